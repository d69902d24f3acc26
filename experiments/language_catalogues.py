"""Message catalogues: which texts the code holds, and compiling what translators wrote.

python -m experiments.language_catalogues            list texts that a catalogue lacks, and those nobody uses
python -m experiments.language_catalogues compile    make the .mo files from the .po files

A translator edits `locales/LANG/LC_MESSAGES/qyzyljar.po`; the compiled files are kept beside them in the repository,
so that an office needs no tool for it. Babel writes and reads both.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from experiments.language import DOMAIN, LANGUAGES, LOCALES
from experiments.language_schema import schema_messages

EXPERIMENTS = Path(__file__).resolve().parent
KEYWORDS: dict[str, tuple[int, ...] | None] = {"text": None, "t": None, "mark": None, "plural": (1, 2)}
Message = str | tuple[str, ...]


def sources() -> list[Path]:
    """Files whose texts a reader sees in the own language."""
    return sorted(
        [
            *EXPERIMENTS.glob("dashboard/*.py"),
            *EXPERIMENTS.glob("brief*.py"),
            *EXPERIMENTS.glob("language*.py"),
        ]
    )


def messages_in_code() -> set[Message]:
    """All texts of the code and of the declared schema, a plural as the pair of its English forms."""
    found: set[Message] = set(schema_messages())
    for path in sources():
        for _, message, _, _ in extract_from_file("python", path, keywords=KEYWORDS):
            found.add(tuple(message) if isinstance(message, (list, tuple)) else message)
    page = EXPERIMENTS / "brief_page.html"
    if page.exists():
        for _, message, _, _ in extract_from_file("jinja2.ext:babel_extract", page, keywords=KEYWORDS):
            found.add(tuple(message) if isinstance(message, (list, tuple)) else message)
    return found


def catalogue_path(lang: str, ending: str = "po") -> Path:
    """File of a language's catalogue."""
    return LOCALES / lang / "LC_MESSAGES" / f"{DOMAIN}.{ending}"


def read_catalogue(lang: str) -> Catalog:
    """The catalogue that translators wrote."""
    with catalogue_path(lang).open("rb") as file:
        return read_po(file, locale=lang, abort_invalid=True)


def entries(catalogue: Catalog) -> Iterator[tuple[Message, tuple[str, ...], bool]]:
    """Every text of a catalogue with its translations (several for a plural) and whether it is only a guess."""
    for message in catalogue:
        if message.id:
            key = tuple(message.id) if isinstance(message.id, (list, tuple)) else message.id
            held = message.string
            yield key, tuple(held) if isinstance(held, (list, tuple)) else (held or "",), message.fuzzy


def compiled(lang: str) -> bytes:
    """Content of the compiled catalogue of a language."""
    out = io.BytesIO()
    write_mo(out, read_catalogue(lang))
    return out.getvalue()


def main() -> None:
    """Compile, or list what is missing."""
    wanted = messages_in_code()
    for lang in LANGUAGES:
        if sys.argv[1:] == ["compile"]:
            catalogue_path(lang, "mo").write_bytes(compiled(lang))
            continue
        held = {key for key, texts, fuzzy in entries(read_catalogue(lang)) if all(texts) and not fuzzy}
        for message in sorted(wanted - held, key=str):
            print(f"{lang}: missing: {message!r}")
        for message in sorted(held - wanted, key=str):
            print(f"{lang}: not used: {message!r}")


if __name__ == "__main__":
    main()
