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
