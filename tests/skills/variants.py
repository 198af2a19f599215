"""SKILL.md files, good and bad, in folders called `reader`, for two checkers to judge."""

_HEAD = "name: reader\ndescription: Reads files. Use it for files.\n"


def _file(head: str, body: str = "# Read\n") -> str:
    return f"---\n{head}---\n{body}"


def _named(name: str) -> str:
    return _file(f"name: {name}\ndescription: Reads files.\n")


def _described(description: str) -> str:
    return _file(f"name: reader\ndescription: {description}\n")


VARIANTS: dict[str, str] = {
    "plain": _file(_HEAD),
    "no body": _file(_HEAD, ""),
    "a long body": _file(_HEAD, "read on\n" * 10_000),
    "license": _file(_HEAD + "license: MIT\n"),
    "license in quotes": _file(_HEAD + 'license: "Apache-2.0"\n'),
    "empty license": _file(_HEAD + "license:\n"),
    "compatibility": _file(_HEAD + "compatibility: Needs git and jq\n"),
    "compatibility of 500": _file(_HEAD + f"compatibility: {'x' * 500}\n"),
    "compatibility of 501": _file(_HEAD + f"compatibility: {'x' * 501}\n"),
    "compatibility as a list": _file(_HEAD + "compatibility:\n  - git\n"),
    "metadata": _file(_HEAD + "metadata:\n  author: us\n  version: '1.0'\n"),
    "metadata with a number": _file(_HEAD + "metadata:\n  version: 1.0\n"),
    "metadata with a boolean": _file(_HEAD + "metadata:\n  stable: true\n"),
    "metadata with an empty value": _file(_HEAD + "metadata:\n  note:\n"),
    "metadata in braces": _file(_HEAD + "metadata: {author: us}\n"),
    "metadata that is a text": _file(_HEAD + "metadata: us\n"),
    "metadata that is a list": _file(_HEAD + "metadata:\n  - us\n"),
    "nested metadata": _file(_HEAD + "metadata:\n  author:\n    name: us\n"),
    "allowed tools": _file(_HEAD + "allowed-tools: Read Bash(git:*)\n"),
    "allowed tools as a list": _file(_HEAD + "allowed-tools:\n  - Read\n  - Write\n"),
    "allowed tools in brackets": _file(_HEAD + "allowed-tools: [Read, Write]\n"),
    "an unknown key": _file(_HEAD + "version: 2\n"),
    "two unknown keys": _file(_HEAD + "version: 2\nauthor: us\n"),
    "an unknown key in capitals": _file(_HEAD + "License: MIT\n"),
    "a comment": _file("# a skill\n" + _HEAD),
    "an empty line": _file("name: reader\n\ndescription: Reads files.\n"),
    "keys in the other order": _file("description: Reads files.\nname: reader\n"),
    "name in quotes": _named('"reader"'),
    "name in single quotes": _named("'reader'"),
    "name with spaces around": _named('" reader "'),
    "another folder": _named("writer"),
    "capitals": _named("Reader"),
    "all capitals": _named("READER"),
    "underscore": _named("rea_der"),
    "a space within": _named("rea der"),
    "a dot": _named("rea.der"),
    "a slash": _named("rea/der"),
    "a leading hyphen": _named('"-reader"'),
    "a trailing hyphen": _named("reader-"),
    "two hyphens": _named("rea--der"),
    "a name of 65": _named("r" * 65),
    "a name of digits": _named("123"),
    "letters of another script": _named("\u0447\u0438\u0442\u0430\u0442\u0435\u043b\u044c"),
    "wide letters": _named("\uff52\uff45\uff41\uff44\uff45\uff52"),
    "an empty name": _named(""),
    "an empty name in quotes": _named('""'),
    "a name of spaces": _named('"   "'),
    "a name that is a list": _file("name:\n  - reader\ndescription: Reads files.\n"),
    "no name": _file("description: Reads files.\n"),
    "no description": _file("name: reader\n"),
    "an empty description": _described(""),
    "a description of spaces": _described('"  "'),
    "a description of 1024": _described("x" * 1024),
    "a description of 1025": _described("x" * 1025),
    "a description that is a list": _file("name: reader\ndescription:\n  - Reads\n"),
    "a description that is a mapping": _file("name: reader\ndescription:\n  what: Reads\n"),
    "a folded description": _described(">\n  Reads files.\n  Use it for files."),
    "a literal description": _described("|\n  Reads files.\n  Use it for files."),
    "a description over two lines": _described("Reads files.\n  Use it for files."),
    "a colon without quotes": _described("Reads files. Use when: asked"),
    "a colon in quotes": _described('"Reads files. Use when: asked"'),
    "a hash": _described("Reads files # and more"),
    "an at sign in front": _described("@reader reads files"),
    "a star in front": _described("*reads* files"),
    "a bracket in front": _described("[beta] reads files"),
    "an emoji": _described("Reads files 📄"),
    "dashes in a value": _described("Reads files --- and more"),
    "dashes in quotes": _described('"a --- b"'),
    "CRLF": _file(_HEAD).replace("\n", "\r\n"),
    "BOM": "\ufeff" + _file(_HEAD),
    "a space behind the dashes": _file(_HEAD).replace("---\n", "--- \n"),
    "an empty line in front": "\n" + _file(_HEAD),
    "no frontmatter": "# Read\n",
    "an empty file": "",
    "no end": f"---\n{_HEAD}# Read\n",
    "an empty frontmatter": "---\n---\n# Read\n",
    "a text as frontmatter": _file("read files\n"),
    "a list as frontmatter": _file("- name: reader\n- description: Reads files.\n"),
    "a tab for indentation": _file(_HEAD + "metadata:\n\tauthor: us\n"),
    "a quote without an end": _described('"Reads files'),
    "a key twice": _file(_HEAD + "name: reader\n"),
    "an anchor": _file("name: reader\ndescription: &text Reads files.\n"),
    "an alias": _file("name: &name reader\ndescription: *name\n"),
    "a tag": _file("name: !!str reader\ndescription: Reads files.\n"),
    "an object": _file("name: reader\ndescription: !!python/name:os.system x\n"),
    "four dashes": _file(_HEAD).replace("---\n", "----\n"),
}

_UNSEEN = (
    "the reference never looks at the values under 'metadata', which the standard has as texts"
)
EXPLAINED = {
    "BOM": "the reference takes the mark for a letter",
    "dashes in quotes": "the reference ends the frontmatter at any three dashes",
    "metadata that is a text": _UNSEEN,
    "metadata that is a list": _UNSEEN,
    "nested metadata": _UNSEEN,
}
"""Those on which the reference and we disagree, and why."""
