#include "call-tally.h"

#include <string.h>

static bool
same_action (const char *a, const char *b)
{
  return a == b || (a && b && strcmp (a, b) == 0);
}

struct call_tally *
call_tally_find (struct call_tallies *tallies, const struct binding *binding,
                 enum op_id op, const char *action)
{
  struct call_tally fresh = {.binding = binding, .op = op, .action = action};

  for (size_t i = 0; i < tallies->len; i++)
    if (tallies->ptr[i].binding == binding && tallies->ptr[i].op == op &&
        same_action (tallies->ptr[i].action, action))
      return &tallies->ptr[i];
  call_tallies_push (tallies, fresh);
  return &tallies->ptr[tallies->len - 1];
}

void
call_tally_sent (struct call_tally *tally, unsigned vms, bool again)
{
  tally->calls++;
  tally->vms += vms;
  tally->repeated += again;
}

void
call_tally_failed (struct call_tally *tally, bool throttled)
{
  tally->errors++;
  tally->throttled += throttled;
}

static json_t *
row (const struct call_tally *t)
{
  const char *operation = t->binding->provider->ops[t->op].name;

  return json_make ("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "provider",
                    t->binding->provider->name, "account", t->binding->account,
                    "region", t->binding->region, "operation", operation,
                    "action", t->action ? t->action : operation, "calls",
                    (json_int_t)t->calls, "vms", (json_int_t)t->vms, "errors",
                    (json_int_t)t->errors, "throttled",
                    (json_int_t)t->throttled, "repeated",
                    (json_int_t)t->repeated);
}

json_t *
call_tallies_report (const struct call_tallies *tallies)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < tallies->len; i++)
    json_array_append_new (list, row (&tallies->ptr[i]));
  return list;
}

/* --- adding up -----------------------------------------------------------
 */

/* Of these the greatest counts, of "waiting" the newest; all others are sums.
 */
static json_int_t
joined (const char *key, json_int_t a, json_int_t b)
{
  if (strcmp (key, "longest_ms") == 0)
    return a > b ? a : b;
  return strcmp (key, "waiting") == 0 ? b : a + b;
}

/* Rows are of one kind if all their texts are alike. */
static bool
same_kind (const json_t *a, const json_t *b)
{
  const char *key;
  json_t *value;

  json_object_foreach ((json_t *)a, key, value)
  {
    if (json_is_string (value) && !json_equal (value, json_object_get (b, key)))
      return false;
  }
  return true;
}

static void
add_row (json_t *rows, const json_t *from)
{
  json_t *known, *value;
  const char *key;
  size_t i;

  json_array_foreach (rows, i, known)
  {
    if (!same_kind (known, from))
      continue;
    json_object_foreach ((json_t *)from, key, value)
    {
      if (json_is_integer (value))
        json_put_int (known, key,
                      joined (key, json_int (known, key, 0),
                              json_integer_value (value)));
    }
    return;
  }
  json_array_append_new (rows, json_deep_copy (from));
}

void
figures_add (json_t *to, const json_t *from)
{
  static const char *const lists[] = {"calls", "queues"};

  for (size_t i = 0; i < ARRAY_SIZE (lists); i++) {
    json_t *one;
    size_t j;

    if (json_object_get (to, lists[i]) == NULL)
      json_put (to, lists[i], json_array ());
    json_array_foreach (json_object_get (from, lists[i]), j, one)
    {
      add_row (json_object_get (to, lists[i]), one);
    }
  }
}
