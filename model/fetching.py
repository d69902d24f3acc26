"""Asking memory for rows before they are needed.

With millions of people the columns lie in main memory. Passes from row to row are fetched ahead by the processor
itself; a pass over ten columns at once, or one that jumps from row to row, waits a tenth of a microsecond at every
jump. Such a pass names the rows it will read some steps ahead: nothing else changes, least of all a result.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _fetch(typing_context: Any, column: Any, row: Any) -> Any:
    """Signature and code of `fetch` (what `numba.extending.intrinsic` wants)."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(array.data, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        prefetch = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number]),
            "llvm.prefetch.p0",
        )
        to_read, keep_near, data = number(0), number(3), number(1)
        builder.call(prefetch, [address, to_read, keep_near, data])
        return context.get_dummy_value()

    return types.void(column, row), generate


# fetch(column, row), in compiled code only: begin to load a row into the nearest cache; one past the end does no harm.
fetch: Any = intrinsic(_fetch)
