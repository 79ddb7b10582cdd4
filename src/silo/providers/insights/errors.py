"""The codes that only Microsoft.Insights answers with."""

from silo import arm


class InvalidSkipToken(arm.ArmError):
    """The token of the next page is none that was handed out."""

    code = "InvalidSkipToken"

    def __init__(self) -> None:
        super().__init__("The value of the query parameter '$skipToken' is not valid.")


class TimeRangeTooOld(arm.ArmError):
    """The filter asks for more than the log goes back."""

    code = "BadRequest"


class MetricRequestRefused(arm.ArmError):
    """The metric, the time or the resource is none that there are values of."""

    code = "BadRequest"
