"""What the cells of a column of a binary format say: those of Arrow's types."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from countermark.fingerprint.table.cells import Cells, number_cells, text_cells
from countermark.fingerprint.table.dates import MICROSECONDS_A_DAY

__all__ = ["readable", "typed_cells"]

_EXACT: Final = 1 << 53
_PER_MICROSECOND: Final = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


def readable(kind: pa.DataType) -> bool:
    """Return whether cells of this type are read; lists, maps and the like are left out."""
    if pa.types.is_dictionary(kind):
        return readable(kind.value_type)
    return not (pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType) or pa.types.is_interval(kind))


def typed_cells(array: pa.Array) -> Cells:
    """Return what the cells of `array`, of a type that is `readable`, say."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        if _is_text(kind.value_type):
            return text_cells(array)
        return typed_cells(array.cast(kind.value_type))
    if pa.types.is_boolean(kind) or _is_text(kind):
        return text_cells(array.cast(pa.large_string()))
    if pa.types.is_integer(kind) or pa.types.is_duration(kind):
        return _integer_cells(array if pa.types.is_integer(kind) else array.cast(pa.int64()))
    if pa.types.is_float64(kind):
        return number_cells(_floats(array))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _date_cells(array)
    if pa.types.is_null(kind):
        return number_cells(np.full(len(array), np.nan))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return text_cells(_hexadecimal(array))
    # Shorter floats as the shortest text that means them, as every other format has them; decimals and times of day.
    return text_cells(array.cast(pa.string()))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _floats(array: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(pc.fill_null(array, float("nan")).to_numpy(zero_copy_only=False), np.float64)


def _integer_cells(array: pa.Array) -> Cells:
    if pa.types.is_uint64(array.type):
        inside = pc.less_equal(array, pa.scalar(_EXACT, pa.uint64()))
    elif pa.types.is_int64(array.type):
        inside = pc.and_(pc.less_equal(array, _EXACT), pc.greater_equal(array, -_EXACT))
    else:
        return number_cells(_floats(array.cast(pa.float64())))
    if not pc.all(inside).as_py() and pc.any(pc.invert(inside)).as_py():
        return text_cells(array.cast(pa.large_string()))
    return number_cells(_floats(array.cast(pa.float64())))


def _date_cells(array: pa.Array) -> Cells:
    kind = array.type
    if pa.types.is_date32(kind):
        counts, (factor, divisor) = array.cast(pa.int32()).cast(pa.int64()), (MICROSECONDS_A_DAY, 1)
    else:
        counts = array.cast(pa.int64())
        factor, divisor = _PER_MICROSECOND["ms" if pa.types.is_date64(kind) else kind.unit]
    absent = counts.is_null().to_numpy(zero_copy_only=False)
    whole = counts.fill_null(0).to_numpy(zero_copy_only=False)
    # Far from our time the product does not fit in 64 bits; as a float it does.
    product = whole.astype(np.float64) * factor if factor > 1 else (whole // divisor).astype(np.float64)
    return number_cells(np.where(absent, np.nan, product), dates=True)


def _hexadecimal(array: pa.Array) -> pa.Array:
    return pa.array([None if one is None else one.hex() for one in array.to_pylist()], pa.large_string())
