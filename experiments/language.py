"""The reader's language: texts from the catalogues, plurals, numbers, names of places. Kazakh, Russian, English.

Texts are written in English in the code and looked up in `locales/LANG/LC_MESSAGES/qyzyljar.mo`
(`experiments/language_catalogues.py` says how these are made). Numbers follow CLDR through Babel.
"""

from __future__ import annotations

import gettext
import math
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from experiments.failures import BadInput
from model.world import World

LANGUAGES: Final = {"kk": "Қазақша", "ru": "Русский", "en": "English"}
LOCALES = Path(__file__).resolve().parent / "locales"
DOMAIN = "qyzyljar"
MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
SIGNIFICANT = 3
MOST_DECIMALS = 6
PER_CENT = re.compile(r"(?<=[\d}]) (?=%)")
# Units that may not stand alone at the beginning of a line
UNIT = re.compile(r"(?<=\d) (?=(?:млн|млрд|чел\.|кБ|МБ|п\. п\.|kB|MB|million)(?!\w))")


def mark(text: str) -> str:
    """Mark a text of a table for the catalogues; it is looked up where it is shown."""
    return text


class Language:
    """One language of the reader.

    Attributes:
        code: "kk", "ru" or "en".
    """

    def __init__(self, code: str) -> None:
        """Open the catalogue of a language.

        Raises:
            BadInput: no such language.
        """
        if code not in LANGUAGES:
            raise BadInput(f"--lang {code}: expected one of {', '.join(LANGUAGES)}")
        self.code = code
        self.locale = Locale.parse(code)
        self._catalogue = gettext.translation(DOMAIN, LOCALES, [code])

    def text(self, message: str, **values: object) -> str:
        """A text in this language, with `{name}` filled in."""
        found = self._catalogue.gettext(message)
        return self._spaced(found.format(**values) if values else found)

    __call__ = text

    def plural(self, one: str, many: str, count: int, **values: object) -> str:
        """A text that depends on a count, which it may show as `{count}`."""
        found = self._catalogue.ngettext(one, many, count)
        return self._spaced(found.format(count=self.number(count, 0), **values))

    def _spaced(self, text: str) -> str:
        """A text with per cent signs as the language sets them, and no line break between a number and its unit."""
        text = PER_CENT.sub("" if self.code == "en" else NO_BREAK, text)
        return UNIT.sub(NO_BREAK, text).replace("п. п.", f"п.{NO_BREAK}п.")

    # ---- numbers ----

    def number(self, value: float, decimals: int | None = None) -> str:
        """A number as the language writes it; three significant digits, whole from 100 on, unless `decimals` is given.

        Numbers that are not known (NaN) are a dash.
        """
        if math.isnan(value):
            return "–"
        if math.isinf(value):
            return "∞" if value > 0 else f"{MINUS}∞"
        digits = _decimals(value) if decimals is None else decimals
        rounded = round(value, digits) + 0.0
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        written: str = format_decimal(abs(rounded), pattern, self.code)
        return (MINUS if rounded < 0.0 else "") + written.replace("\N{NARROW NO-BREAK SPACE}", NO_BREAK)

    def signed(self, value: float, decimals: int | None = None) -> str:
        """A difference with its sign."""
        written = self.number(value, decimals)
        return f"+{written}" if value > 0.0 and any(c in written for c in "123456789") else written

    def range(self, low: float, high: float, *, signed: bool = False, decimals: int | None = None) -> str:
        """An interval in words, both ends with the decimals of the larger one."""
        write = self.signed if signed else self.number
        digits = _common_decimals(low, high) if decimals is None else decimals
        return self.text("{low} to {high}", low=write(low, digits), high=write(high, digits))

    def estimate(
        self, mean: float, low: float, high: float, *, whole: bool = False, signed: bool = False
    ) -> tuple[str, str]:
        """A mean and its interval in words, rounded alike.

        Args:
            whole: of things that are counted (residents, jobs, percentage points): no decimals, but the fewest at
                which no number that is not zero is written as zero where the interval lies on one side of it.
            signed: differences, with their signs; else the interval is of sizes.

        Returns:
            The mean, and the interval ("7 to 11").
        """
        digits = _common_decimals(low, high)
        if whole:
            sure = low > 0.0 or high < 0.0
            digits = _fewest_decimals(mean, low, high) if sure else 0
        write = self.signed if signed else self.number
        return write(mean, digits), self.range(low, high, signed=signed, decimals=digits)

    def percent(self, share: float, decimals: int | None = None) -> str:
        """A share in per cent."""
        return f"{self.number(100.0 * share, decimals)}{'' if self.code == 'en' else NO_BREAK}%"

    def bound(self, share: float, *, above: bool) -> str:
        """A bound of a share in per cent, rounded outward to two significant digits: it bounds no less than it did.

        Args:
            above: an upper bound, rounded up; else a lower one, rounded down as far as its distance from one tells.
        """
        short = share if above else 1.0 - share
        size = 100.0 * short
        digits = max(0, 1 - math.floor(math.log10(size))) if size > 0.0 else 0
        outward = math.ceil(round(size * 10**digits, 6)) / 10**digits
        return self.percent((outward if above else 100.0 - outward) / 100.0, digits)

    def moment(self, written: str) -> str:
        """Day and time of an ISO date as the language writes it, in the zone in which it was noted."""
        try:
            when = datetime.fromisoformat(written)
        except ValueError:
            return written
        zone = f" {when.tzname()}" if when.tzinfo else ""
        day = format_date(when, "d MMMM y" if self.code == "en" else "long", locale=self.code)
        return f"{day}, {when:%H:%M}{zone}".replace("\N{NARROW NO-BREAK SPACE}", NO_BREAK)

    # ---- places ----

    def place(self, world: World, place: str) -> str:
        """Name of a place of a world, or of all simulated ones together ("all")."""
        if place == "all":
            return self.text("all places together")
        return world.names(self.code)[world.index(place)]


def _decimals(value: float) -> int:
    """Decimals that leave three significant digits; none from 100 on."""
    size = abs(value)
    if size == 0.0 or not math.isfinite(size) or size >= 99.95:
        return 0
    return min(6, max(0, SIGNIFICANT - 1 - math.floor(math.log10(size))))


def _common_decimals(low: float, high: float) -> int:
    """Decimals of an interval: those of its larger end."""
    return _decimals(max(abs(low), abs(high)))


def _fewest_decimals(*values: float) -> int:
    """Fewest decimals at which none of some numbers other than zero is written as zero."""
    least = min((abs(value) for value in values if value and math.isfinite(value)), default=1.0)
    return next((digits for digits in range(MOST_DECIMALS) if round(least, digits) > 0.0), MOST_DECIMALS)


def kept_together(text: str) -> str:
    """A text of a file whose numbers do not break at their thousands."""
    return re.sub(r"(?<=\d) (?=\d{3}(?!\d))", NO_BREAK, text)


def preferred(header: str) -> str:
    """The first language of a browser's `Accept-Language` that there is; else English."""
    codes = (part.split(";")[0].strip().split("-")[0].lower() for part in header.split(","))
    return next((code for code in codes if code in LANGUAGES), "en")


@cache
def language(code: str) -> Language:
    """The language with a code, opened once. Raises BadInput where there is none."""
    return Language(code)
