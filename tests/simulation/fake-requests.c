/* Requests to the simulated providers, and what becomes of them: they take
 * effect late, or not; replies get lost, come late, come twice. */

#include "fake-cloud.h"

#include <string.h>

static void note_unanswered (struct fake_vm *vm, const void *opaque);

static void
for_each_vm (struct fake_cloud *cloud, const struct effect *effect,
             void (*each) (struct fake_vm *vm, const void *opaque),
             const void *opaque)
{
  const char *id = fake_id_in (effect->in);
  json_t *item;
  size_t i;

  if (id)
    each (fake_cloud_vm (cloud, id), opaque);
  /* A look that is held up keeps all of them from being seen. */
  if (json_bool (effect->in, "health", false) || each == note_unanswered)
    json_array_foreach (json_at (effect->in, "ids"), i, item)
    {
      each (fake_cloud_vm (cloud, json_string_value (item)), opaque);
    }
  json_array_foreach (json_at (effect->in, "vms"), i, item)
      each (fake_cloud_vm (cloud, json_str (item, "id", "")), opaque);
}

static void
note_error (struct fake_vm *vm, const void *opaque)
{
  const enum op_id *op = opaque;

  vm->errors++;
  if (*op == OP_SERIAL_LOG || *op == OP_GUEST_PING || *op == OP_DESCRIBE)
    vm->look_errors++;
}

static void
note_unanswered (struct fake_vm *vm, const void *opaque)
{
  note_error (vm, opaque);
  vm->unanswered = true;
}

/* An effect, and who sends it. */
struct sent {
  struct fake_desk *desk;
  const struct effect *effect;
};

static void
note_sent (struct fake_vm *vm, const void *opaque)
{
  const struct sent *sent = opaque;

  sent->desk->check (sent->desk->opaque, vm, sent->effect);
}

/* What the engine is told last about a VM's power.  A reply that comes later
 * than a newer one is nothing that it goes by. */
static void
note_shown (struct fake_desk *desk, const json_t *out, bool late)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_at (out, "vms"), i, item)
  {
    struct fake_vm *vm = fake_cloud_vm (desk->cloud, json_str (item, "id", ""));
    char *shown = vm->by[desk->number].last_shown;

    if (!late || strcmp (json_str (item, "power", ""), "stopped") == 0)
      strncpy (shown, json_str (item, "power", ""),
               sizeof vm->by[0].last_shown - 1);
  }
}

/* A reply has a Date, as those of all HTTP services. */
static void
tell_time (struct fake_desk *desk)
{
  for (size_t i = 0; i < desk->cloud->config->n_accounts; i++) {
    if (desk->cloud->accounts[i].kind->settle_ms == 0)
      continue;
    desk->bindings[i].clock_known = true;
    desk->bindings[i].clock_ahead_ms = desk->cloud->clock.wall_ms -
                                       desk->cloud->clock.wall_ms % 1000 -
                                       fake_now (desk->cloud);
  }
}

static void
reply (struct fake_cloud *cloud, struct fake_event *event)
{
  (void)cloud;
  tell_time (event->desk);
  if (event->completion.out)
    note_shown (event->desk, event->completion.out, event->reply_ms >= 20000);
  fake_deliver (event->desk, event->generation, event->completion);
  event->completion = (struct completion){0};
}

/* To the event's request. */
static void
reply_in (const struct fake_event *to, int64_t ms, json_t *out, struct err *err)
{
  struct fake_event *event = fake_event_add (to->desk->cloud, ms, reply, NULL);

  event->reply_ms = ms;
  event->completion = (struct completion){to->effect.id, out, err, true};
  event->desk = to->desk;
  event->generation = to->generation;
}

static void
execute (struct fake_cloud *cloud, struct fake_event *event)
{
  struct err *err = NULL;
  json_t *out = fake_answer (event->desk, &event->effect, &err);

  fake_trace (cloud, "#%llu %s takes effect%s%s",
              (unsigned long long)event->effect.id,
              event->effect.binding->provider->ops[event->effect.op].name,
              err ? ": " : "", err ? err->msg : "");
  if (event->reply_ms >= 0)
    reply_in (event, event->reply_ms, out, err);
  else {
    json_decref (out);
    err_free (err);
  }
}

static struct err *
some_error (struct fake_cloud *cloud)
{
  static const enum err_code codes[] = {ERR_TRANSIENT, ERR_THROTTLED,
                                        ERR_CONFLICT};
  struct err *err = NULL;
  enum err_code code =
      codes[fake_between (cloud, 0, (int64_t)ARRAY_SIZE (codes) - 1)];

  err_set (&err, code, "no luck");
  if (code == ERR_THROTTLED)
    err->retry_after_ms = fake_between (cloud, 1000, 10000);
  return err;
}

static bool
in_outage (const struct fake_cloud *cloud, const struct fake_account *account)
{
  return !cloud->calm && fake_now (cloud) >= cloud->outage_from_ms &&
         fake_now (cloud) < cloud->outage_to_ms &&
         (cloud->outage_of == NULL || cloud->outage_of == account);
}

static void
submit_faulty (struct fake_cloud *cloud, struct fake_event *event)
{
  const struct sim_config *config = cloud->config;
  const struct effect *effect = &event->effect;
  struct err *err = NULL;

  if (fake_fault (cloud, config->lost_reply)) {
    /* It takes effect shortly before or after we are told that nobody knows. */
    int64_t lost_ms = fake_between (cloud, 0, 4000);

    for_each_vm (cloud, effect, note_error, &effect->op);
    event->reply_ms = -1;
    err_set (&err, ERR_UNKNOWN_EFFECT, "the reply was lost");
    reply_in (event, event->at_ms - fake_now (cloud) + lost_ms - 1500, NULL,
              err);
  } else if (fake_fault (cloud, config->late_reply)) {
    for_each_vm (cloud, effect, note_unanswered, &effect->op);
    event->reply_ms = fake_between (cloud, 20000, 900000);
  }
}

/* A request that is held up somewhere, for longer than anybody waits for it.
 * Only where no controller dies: the next one could not know of it. */
static bool
is_held_up (struct fake_cloud *cloud, const struct effect *effect)
{
  const struct sim_config *config = cloud->config;

  if (config->kill || config->stop || config->halt || config->outage ||
      config->second || !fake_fault (cloud, config->late_reply))
    return false;
  for_each_vm (cloud, effect, note_unanswered, &effect->op);
  return true;
}

/* NULL: it gets there. */
static struct err *
submit_error (struct fake_desk *desk, const struct effect *effect)
{
  struct fake_cloud *cloud = desk->cloud;
  unsigned rate = effect->op == OP_DESCRIBE ? cloud->config->describe_error
                                            : cloud->config->error;
  struct err *err = NULL;

  if (in_outage (cloud, fake_account_of (desk, effect)))
    err_set (&err, cloud->outage_code, "the whole service is out");
  else if (fake_fault (cloud, rate))
    err = some_error (cloud);
  if (err)
    for_each_vm (cloud, effect, note_error, &effect->op);
  return err;
}

/* An effect never comes later than 2 s after its reply was lost: what is still
 * on its way after that, no look can tell. */
void
fake_op_submit (struct fake_desk *desk, struct effect effect)
{
  const struct provider_op *op = &effect.binding->provider->ops[effect.op];
  struct fake_cloud *cloud = desk->cloud;
  const struct sent sent = {desk, &effect};
  struct fake_event *event;
  struct err *err;

  fake_trace (cloud, "%s#%llu %s", desk->number ? "second " : "",
              (unsigned long long)effect.id, op->name);
  if (op->changes)
    for_each_vm (cloud, &effect, note_sent, &sent);
  err = submit_error (desk, &effect);
  if (err) {
    const struct fake_event to = {.desk = desk,
                                  .generation = desk->generation,
                                  .effect = effect};

    reply_in (&to, fake_between (cloud, 5, 500), NULL, err);
    effect_release (&effect);
    return;
  }
  event = fake_event_add (cloud,
                          is_held_up (cloud, &effect)
                              ? fake_between (cloud, 20000, 900000)
                              : fake_between (cloud, 5, 800),
                          execute, NULL);
  event->effect = effect;
  event->desk = desk;
  event->generation = desk->generation;
  event->reply_ms = fake_between (cloud, 5, 300);
  submit_faulty (cloud, event);
}
