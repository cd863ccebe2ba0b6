#include "extents.h"

#include <inttypes.h>

int
extents_from_map (const json_t *map, struct extents *extents, struct err **err)
{
  int64_t end = 0;
  size_t i;
  json_t *row;

  if (!json_is_array (map))
    return err_set (err, ERR_INTERNAL, "qemu-img map: no list of extents");
  json_array_foreach (map, i, row)
  {
    int64_t start = json_int (row, "start", -1);
    int64_t length = json_int (row, "length", -1);
    int64_t depth = json_int (row, "depth", -1);

    if (start < end || length <= 0 || depth < 0 || start > INT64_MAX - length)
      return err_set (err, ERR_INTERNAL,
                      "qemu-img map: extent %zu makes no sense", i);
    end = start + length;
    if (depth != 0)
      continue;
    if (extents->len > 0) {
      struct extent *last = &extents->ptr[extents->len - 1];

      if (last->start + last->length == start) {
        last->length += length;
        continue;
      }
    }
    extents_push (extents, (struct extent){start, length});
  }
  return 0;
}

int64_t
extents_bytes (const struct extents *extents)
{
  int64_t sum = 0;

  for (size_t i = 0; i < extents->len; i++)
    sum += extents->ptr[i].length;
  return sum;
}

void
extents_windows (const struct extents *extents, int64_t max_gap,
                 struct extents *windows)
{
  for (size_t i = 0; i < extents->len; i++) {
    const struct extent *e = &extents->ptr[i];

    if (windows->len > 0) {
      struct extent *last = &windows->ptr[windows->len - 1];

      if (e->start - (last->start + last->length) <= max_gap) {
        last->length = e->start + e->length - last->start;
        continue;
      }
    }
    extents_push (windows, *e);
  }
}
