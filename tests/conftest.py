import autograd


def pytest_report_header() -> str:
    return f"glassgrad {autograd.__version__}: {'compiled' if autograd.compiled else 'pure Python'} engine"
