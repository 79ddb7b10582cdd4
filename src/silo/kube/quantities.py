"""Amounts as Kubernetes writes them: ``250m``, ``1Gi``, ``2e3``. Pure."""

from decimal import Decimal, InvalidOperation

_SUFFIXES = {
    **{f"{letter}i": Decimal(1024) ** (power + 1) for power, letter in enumerate("KMGTPE")},
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
}


def parse(text: str | float) -> float:
    """Return an amount; nothing for what is none, which no API server lets in."""
    word = str(text).strip()
    factor = Decimal(1)
    for suffix, value in _SUFFIXES.items():
        if word.endswith(suffix):
            word, factor = word[: -len(suffix)], value
            break
    try:
        return float(Decimal(word) * factor)
    except InvalidOperation:
        return 0.0
