"""Whether a record batch refers only to what it has: pyarrow takes a file's word for it, and a damaged one lies."""

from __future__ import annotations

from typing import Any


class SoundnessCheck:
    """Refuses record batches whose values cannot be looked at without leaving the memory that holds them.

    A value that is wrong only in itself, such as a text that is not UTF-8, harms its own row and nothing else: it is
    found when the row is read.

    Args:
        pyarrow: The module.
    """

    def __init__(self, pyarrow: Any) -> None:
        self._pyarrow = pyarrow
        self._dictionaries: dict[int, Any] = {}

    def check(self, batch: Any) -> None:
        """Look at one record batch of a file, as it was read.

        Raises:
            ArrowInvalid: An offset, a length, an index or a type is outside of what there is.
        """
        batch.validate()
        for place, column in enumerate(batch.columns):
            dictionary = column.dictionary if self._has_flat_dictionary(column.type) else None
            if dictionary is not None and _is_same(dictionary, self._dictionaries.get(place)):
                # All batches of a file may share a large one. How long it is, is all that these indices need.
                nothing = self._pyarrow.nulls(len(dictionary))
                self._check_column(self._pyarrow.DictionaryArray.from_arrays(column.indices, nothing, safe=False))
            else:
                self._check_column(column)
                self._dictionaries[place] = dictionary

    def _has_flat_dictionary(self, kind: Any) -> bool:
        """Return whether all of a dictionary's values are in its own buffers."""
        types = self._pyarrow.types
        if not types.is_dictionary(kind) or isinstance(kind.value_type, self._pyarrow.BaseExtensionType):
            return False
        return not types.is_nested(kind.value_type) and not types.is_dictionary(kind.value_type)

    def _check_column(self, column: Any) -> None:
        try:
            column.validate(full=True)
        except self._pyarrow.ArrowInvalid:
            # Is it more than a value? Bytes and whole numbers may be any.
            bare = _bare(self._pyarrow, column.type)
            (column if bare == column.type else column.view(bare)).validate(full=True)


def _is_same(dictionary: Any, known: Any) -> bool:
    """Return whether a dictionary lies where one lies that is still held."""
    return known is not None and _place(dictionary) == _place(known)


def _place(values: Any) -> tuple[int, int, list[int | None]]:
    return len(values), values.offset, [buffer and buffer.address for buffer in values.buffers()]


def _bare(pyarrow: Any, kind: Any) -> Any:
    """Return a type of the same layout, of which every value is a good one."""
    types = pyarrow.types
    if isinstance(kind, pyarrow.BaseExtensionType):
        return _bare(pyarrow, kind.storage_type)
    if types.is_dictionary(kind):
        return pyarrow.dictionary(kind.index_type, _bare(pyarrow, kind.value_type), kind.ordered)
    if types.is_run_end_encoded(kind):
        return pyarrow.run_end_encoded(kind.run_end_type, _bare(pyarrow, kind.value_type))
    if types.is_nested(kind):
        return _bare_nested(pyarrow, kind)
    if types.is_decimal(kind):
        return pyarrow.binary(kind.byte_width)
    if types.is_date(kind) or types.is_time(kind):
        return pyarrow.int32() if kind.bit_width == 32 else pyarrow.int64()
    return _bare_text(pyarrow, kind)


def _bare_text(pyarrow: Any, kind: Any) -> Any:
    types = pyarrow.types
    if types.is_string(kind):
        return pyarrow.binary()
    if types.is_large_string(kind):
        return pyarrow.large_binary()
    return pyarrow.binary_view() if types.is_string_view(kind) else kind


def _bare_nested(pyarrow: Any, kind: Any) -> Any:
    types = pyarrow.types
    fields = [
        field.with_type(_bare(pyarrow, field.type)) for field in (kind.field(place) for place in range(kind.num_fields))
    ]
    if types.is_struct(kind):
        return pyarrow.struct(fields)
    if types.is_union(kind):
        return pyarrow.union(fields, mode=kind.mode, type_codes=kind.type_codes)
    if types.is_map(kind):
        return pyarrow.map_(_bare(pyarrow, kind.key_type), _bare(pyarrow, kind.item_type), kind.keys_sorted)
    if types.is_fixed_size_list(kind):
        return pyarrow.list_(fields[0], kind.list_size)
    for is_such, make in (
        (types.is_list, pyarrow.list_),
        (types.is_large_list, pyarrow.large_list),
        (types.is_list_view, pyarrow.list_view),
        (types.is_large_list_view, pyarrow.large_list_view),
    ):
        if is_such(kind):
            return make(fields[0])
    return kind
