#include "world.h"

#include <base/log.h>

/* Nobody should sit before a silent terminal for longer. */
#define SILENCE_MS 10000

void
effect_release (struct effect *effect)
{
  json_decref (TAKE (effect->in));
}

void
completion_release (struct completion *completion)
{
  json_decref (TAKE (completion->out));
  err_free (TAKE (completion->err));
}

/* A deletion at the operator's word is repeated by its name, too. */
static void
name_request (struct world *world, const struct binding *binding, enum op_id op,
              json_t *in)
{
  CLEANUP_FREE char *request = NULL;

  if (!binding->provider->request_ids || !binding->provider->ops[op].changes)
    return;
  request = xasprintf ("asked/%lld", (long long)clock_wall_ms (world->clock));
  json_put_str (in, "request", request);
}

json_t *
world_ask (struct world *world, struct binding *binding, enum op_id op,
           json_t *in_taken, struct err **err)
{
  struct effect effect = {.id = 0,
                          .kind = EFFECT_OP,
                          .binding = binding,
                          .op = op,
                          .in = in_taken};
  int64_t began_ms = clock_now_ms (world->clock);
  struct completion c;
  bool told = false;

  name_request (world, binding, op, effect.in);
  world->submit (world, effect);
  for (;;) {
    if (!world->collect (world, &c)) {
      world->wait (world, -1);
      if (!told && clock_now_ms (world->clock) - began_ms > SILENCE_MS) {
        told = true;
        log_warn ("%s: %s: no answer yet; it goes on trying (-v says why)",
                  binding->provider->name, binding->provider->ops[op].name);
      }
      continue;
    }
    if (c.id == 0 && c.last)
      break;
    completion_release (&c);
  }
  if (c.err)
    err_move (err, c.err);
  return c.out;
}
