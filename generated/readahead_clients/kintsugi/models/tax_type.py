from __future__ import annotations

from typing import ClassVar

from ...runtime import OpenStr, member


class TaxType(OpenStr):
    """Kinds of tax."""

    __slots__ = ()

    GST: ClassVar[TaxType] = member("gst")
    HST: ClassVar[TaxType] = member("hst")
    GST_HST: ClassVar[TaxType] = member("gst_hst")
    QST: ClassVar[TaxType] = member("qst")
    PST: ClassVar[TaxType] = member("pst")
    RST: ClassVar[TaxType] = member("rst")
    VAT: ClassVar[TaxType] = member("vat")
    UNKNOWN: ClassVar[TaxType] = member("unknown")
