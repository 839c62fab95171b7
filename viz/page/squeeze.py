"""Scripts and styles without what only their readers need."""

from __future__ import annotations

import re

__all__ = ["functions_used", "squeezed_script", "squeezed_style"]

_TOKEN = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`
    |(?:(?<=\()|(?<=!)|(?<=[=&,][ ]))/(?![/*])(?:\\.|[^/\\\n])+/)   # a regular expression, where no division stands
    |(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<space>\s+)""",
    re.DOTALL | re.VERBOSE,
)


def squeezed_script(text: str) -> str:
    r"""Return a script without comments, indents and the spaces around signs; what is quoted stays as it is.

    A template must not hold another template, and every statement must end with its semicolon.

    >>> squeezed_script("  const a = b - -c; // why\n  say('x = y');")
    "const a=b- -c;say('x = y');"
    """
    without_comments = _TOKEN.sub(lambda token: "" if token["comment"] else token[0], text)

    def shortened(token: re.Match[str]) -> str:
        if token["kept"]:
            return token[0]
        before, behind = without_comments[token.start() - 1 : token.start()], without_comments[token.end() :][:1]
        words = _is_word(before) and _is_word(behind)
        return " " if words or (before in "+-" and behind in "+-") else ""

    return _TOKEN.sub(shortened, without_comments).strip()


def _is_word(character: str) -> bool:
    return character.isalnum() or character in ("_", "$")


def squeezed_style(text: str) -> str:
    r"""Return a style sheet without comments and the spaces that separate nothing.

    >>> squeezed_style("a b, c {\n  color: red; /* why */\n}\n")
    'a b,c{color:red;}'
    """
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r"(?<=[\w-]): ", ":", text)).strip()


def functions_used(library: str, script: str) -> str:
    r"""Return those top-level functions of ``library`` that ``script`` calls, and those that they call in turn.

    >>> functions_used("function f() {\n  return g();\n}\nfunction g() {\n}\nfunction h() {\n}\n", "f()")
    'function f() {\n  return g();\n}\nfunction g() {\n}\n'
    """
    bodies = {match[1]: match[0] for match in re.finditer(r"(?ms)^function (\w+)\b.*?^\}\n", library)}
    needed: set[str] = set()
    waiting = [script]
    while waiting:
        text = waiting.pop()
        for name in bodies.keys() - needed:
            if re.search(rf"(?<!\w)(?<!\w\.){name}\(", text):
                needed.add(name)
                waiting.append(bodies[name])
    return "".join(body for name, body in bodies.items() if name in needed)
