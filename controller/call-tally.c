#include "call-tally.h"

struct call_tally *
call_tally_find (struct call_tallies *tallies, const struct binding *binding,
                 enum op_id op)
{
  struct call_tally fresh = {.binding = binding, .op = op};

  for (size_t i = 0; i < tallies->len; i++)
    if (tallies->ptr[i].binding == binding && tallies->ptr[i].op == op)
      return &tallies->ptr[i];
  call_tallies_push (tallies, fresh);
  return &tallies->ptr[tallies->len - 1];
}

static json_t *
row (const struct call_tally *t)
{
  return json_make ("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I}", "provider",
                    t->binding->provider->name, "account", t->binding->account,
                    "region", t->binding->region, "operation",
                    t->binding->provider->ops[t->op].name, "calls",
                    (json_int_t)t->calls, "vms", (json_int_t)t->vms, "errors",
                    (json_int_t)t->errors, "repeated", (json_int_t)t->repeated);
}

json_t *
call_tallies_report (const struct call_tallies *tallies)
{
  json_t *list = json_array ();

  for (size_t i = 0; i < tallies->len; i++)
    json_array_append_new (list, row (&tallies->ptr[i]));
  return list;
}
