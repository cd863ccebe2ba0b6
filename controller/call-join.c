#include "call-join.h"

#include <string.h>

const char *
call_list (const json_t *in)
{
  if (json_object_get (in, "disks"))
    return "disks";
  return json_object_get (in, "vms") ? "vms" : "ids";
}

unsigned
call_size (const json_t *in)
{
  size_t n = json_array_size (json_object_get (in, call_list (in)));

  return n ? (unsigned)n : 1;
}

const char *
call_class (const struct binding *b, enum op_id op, const json_t *in,
            unsigned pages)
{
  const struct provider_op *row = &b->provider->ops[op];

  if (row->class_of)
    return row->class_of (b, in);
  return pages && row->next_class ? row->next_class : row->limit_class;
}

/* What follows the first request is not about the part any more. */
const char *
call_part (const struct provider_op *row, const json_t *in, unsigned pages)
{
  return row->part && pages == 0 ? json_str (in, row->part, NULL) : NULL;
}

static bool
go_together (const struct provider_op *row, const json_t *a, const json_t *b)
{
  for (size_t i = 0; row->together && row->together[i]; i++) {
    const json_t *x = json_at (json_array_get (a, 0), row->together[i]);
    const json_t *y = json_at (json_array_get (b, 0), row->together[i]);

    if (x != y && !(x && y && json_equal (x, y)))
      return false;
  }
  return true;
}

bool
call_may_join (const struct provider_op *row, const json_t *a, const json_t *b)
{
  const char *list = call_list (a), *key;
  json_t *value;

  if (json_object_size (a) != json_object_size (b) ||
      json_object_get (a, list) == NULL || json_object_get (b, list) == NULL)
    return false;
  json_object_foreach ((json_t *)a, key, value)
  {
    if (strcmp (key, list) != 0 &&
        !json_equal (value, json_object_get (b, key)))
      return false;
  }
  return go_together (row, json_object_get (a, list),
                      json_object_get (b, list));
}

void
call_join_parts (json_t *to, const json_t *part)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)part, key, value)
  {
    json_t *known = json_object_get (to, key);

    if (json_is_array (known) && json_is_array (value))
      json_array_extend (known, value);
    else if (strcmp (key, "next") != 0 && strcmp (key, "after_ms") != 0)
      json_object_set (to, key, value);
  }
}

bool
call_goes_on_alone (const json_t *in, enum err_code code)
{
  return json_at (in, "page.follow") &&
         (code == ERR_THROTTLED || code == ERR_AUTH || code == ERR_DENIED ||
          code == ERR_TRANSIENT);
}

/* More than any operation takes: 200 VMs are described in about ten. */
#define MAX_PARTS 10000

json_t *
call_next_part (const json_t *out, unsigned parts)
{
  json_t *next = json_object_get (out, "next");

  return json_is_null (next) || parts >= MAX_PARTS ? NULL : next;
}
