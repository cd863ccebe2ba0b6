#include "world-real.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>

#include <base/vec.h>
#include <protocol/protocol.h>

#include "agent-link.h"
#include "call-tally.h"
#include "pool.h"
#include "probe.h"
#include "world-http.h"

#define THREADS        4
#define HELLO_LIMIT_MS 60000
#define MAX_POLL_FDS   64
/* Work that was cancelled ends at the agent's next safe point, or else the
 * agent is ended. */
#define CANCEL_LIMIT_MS 60000

/* Work that an agent has been given and not answered. */
struct given {
  uint64_t id;
  json_t *message;
  int64_t end_by_ms; /* it was cancelled; 0: it was not */
};
DEFINE_VEC (struct given, given_vec);

/* A helper's agent; started when the first work for it comes, and again after
 * it died. */
struct agent {
  char *name;
  const json_t *argv;
  struct agent_link *link; /* NULL: not running */
  bool greeted;
  struct given_vec given;
};
DEFINE_VEC (struct agent *, agent_vec);
DEFINE_VEC (struct completion, done_vec);

struct world_real {
  struct world world; /* first: a struct world * is a struct world_real * */
  struct pool *pool;
  const json_t *agents_config, *http_config;
  struct world_http *http; /* NULL: no HTTP provider was asked yet */
  struct agent_vec agents;
  struct done_vec done; /* what agents answered, not collected yet */
  json_t *earlier;      /* figures of earlier runs; NULL: none */
  int wakeup_fd;
};

/* --- agents ----------------------------------------------------------------
 */

static struct agent *
agent_of (struct world_real *real, const char *name)
{
  struct agent *agent;

  for (size_t i = 0; i < real->agents.len; i++)
    if (strcmp (real->agents.ptr[i]->name, name) == 0)
      return real->agents.ptr[i];
  agent = xcalloc (1, sizeof *agent);
  agent->name = xstrdup (name);
  agent->argv = json_object_get (real->agents_config, name);
  agent_vec_push (&real->agents, agent);
  return agent;
}

static int
agent_start (struct agent *agent, struct err **err)
{
  size_t n = json_array_size (agent->argv);
  CLEANUP_FREE const char **argv = NULL;

  if (agent->link)
    return 0;
  if (n == 0 && strcmp (agent->name, "local") != 0)
    return err_set (err, ERR_USAGE, "helper '%s' is not known", agent->name);
  argv = xcalloc (n + 1, sizeof *argv);
  for (size_t i = 0; i < n; i++)
    argv[i] = json_string_value (json_array_get (agent->argv, i));
  agent->link = n ? agent_link_start (argv, err) : agent_link_start_local (err);
  agent->greeted = false;
  if (agent->link == NULL)
    return err_wrap (err, "helper '%s'", agent->name);
  return 0;
}

static void
push_done (struct world_real *real, uint64_t id, json_t *out, struct err *err,
           bool last)
{
  struct completion completion = {id, out, err, last};

  done_vec_push (&real->done, completion);
}

/* The agent is gone: what it had not answered comes back to the engine, which
 * decides whether to try again. */
static void
agent_lost (struct world_real *real, struct agent *agent, struct err *why_taken)
{
  CLEANUP_ERR struct err *why = why_taken;

  for (size_t i = 0; i < agent->given.len; i++) {
    struct err *err = NULL;

    err_set (&err, why->code == ERR_PROTOCOL ? ERR_PROTOCOL : ERR_TRANSIENT,
             "helper '%s': %s", agent->name, why->msg);
    push_done (real, agent->given.ptr[i].id, NULL, err, true);
    json_decref (agent->given.ptr[i].message);
  }
  given_vec_release (&agent->given);
  if (agent->link)
    agent_link_stop (TAKE (agent->link));
}

static size_t
find_given (const struct agent *agent, const char *id)
{
  for (size_t i = 0; i < agent->given.len; i++)
    if (strcmp (json_str (agent->given.ptr[i].message, "id", ""), id) == 0)
      return i;
  return SIZE_MAX;
}

/* What an appliance has to say to the operator comes as the progress of one of
 * its disks. */
static void
appliance_event (struct world_real *real, struct agent *agent, json_t *event)
{
  const json_t *ids = json_at (event, "ids");
  size_t i = SIZE_MAX;

  if (json_array_size (json_at (event, "notes")) == 0)
    return;
  for (size_t j = 0; i == SIZE_MAX && j < json_array_size (ids); j++) {
    const char *id = json_string_value (json_array_get (ids, j));

    i = find_given (agent, id ? id : "");
  }
  if (i != SIZE_MAX)
    push_done (real, agent->given.ptr[i].id, json_incref (event), NULL, false);
}

static void
agent_event (struct world_real *real, struct agent *agent, json_t *event)
{
  const char *kind = json_str (event, "event", "");
  size_t i = find_given (agent, json_str (event, "id", ""));
  struct given given;

  agent->greeted = true;
  if (strcmp (kind, "appliance") == 0)
    appliance_event (real, agent, event);
  if (i == SIZE_MAX)
    return; /* of the appliance or the agent itself */
  if (strcmp (kind, "stage") == 0)
    push_done (real, agent->given.ptr[i].id, json_incref (event), NULL, false);
  else if (strcmp (kind, "result") == 0) {
    given = given_vec_remove (&agent->given, i);
    json_decref (given.message);
    push_done (real, given.id, json_incref (event), NULL, true);
  }
}

/* An agent that does not let go of a disk is ended, and with it its appliances:
 * only then may the VM be started again. */
static void
end_hanging (struct world_real *real, struct agent *agent)
{
  struct err *err = NULL;

  for (size_t i = 0; i < agent->given.len; i++) {
    const struct given *given = &agent->given.ptr[i];

    if (given->end_by_ms == 0 || clock_now_ms (&real_clock) < given->end_by_ms)
      continue;
    err_set (&err, ERR_TIMEOUT, "it does not let go of %s; it was ended",
             json_str (given->message, "disk.path", "a disk"));
    agent_lost (real, agent, err);
    return;
  }
}

static void
agent_run (struct world_real *real, struct agent *agent)
{
  struct err *err = NULL;
  json_t *event = NULL;
  int r;

  if (agent->link == NULL)
    return;
  while ((r = agent_link_step (agent->link, &event, &err)) == 1) {
    agent_event (real, agent, event);
    json_decref (TAKE (event));
  }
  if (r == -1)
    agent_lost (real, agent, err);
  else
    end_hanging (real, agent);
}

static void
submit_work (struct world_real *real, struct effect *effect)
{
  struct agent *agent =
      agent_of (real, json_str (effect->in, "helper", "local"));
  struct given given = {effect->id, message_new ("request", "work"), 0};
  CLEANUP_FREE char *id = xasprintf ("w%llu", (unsigned long long)effect->id);
  struct err *err = NULL;

  json_object_update (given.message, effect->in);
  json_put_str (given.message, "id", id);
  if (agent_start (agent, &err) == -1) {
    push_done (real, effect->id, NULL, err, true);
    json_decref (given.message);
    return;
  }
  given_vec_push (&agent->given, given);
  if (agent_link_send (agent->link, given.message, &err) == -1)
    agent_lost (real, agent, err);
}

static void
cancel (struct world *world, uint64_t id)
{
  struct world_real *real = (struct world_real *)world;

  for (size_t i = 0; i < real->agents.len; i++) {
    struct agent *agent = real->agents.ptr[i];

    for (size_t j = 0; j < agent->given.len; j++) {
      struct given *given = &agent->given.ptr[j];
      CLEANUP_JSON json_t *message = NULL;
      struct err *err = NULL;

      if (given->id != id)
        continue;
      given->end_by_ms = clock_now_ms (&real_clock) + CANCEL_LIMIT_MS;
      message = message_new ("request", "cancel");
      json_put_str (message, "id", json_str (given->message, "id", ""));
      if (agent_link_send (agent->link, message, &err) == -1)
        agent_lost (real, agent, err);
      return;
    }
  }
}

int
world_real_check_agent (struct world_real *real, const char *helper,
                        struct err **err)
{
  struct agent *agent = agent_of (real, helper);
  int64_t end = clock_now_ms (&real_clock) + HELLO_LIMIT_MS;

  if (agent_start (agent, err) == -1)
    return -1;
  while (!agent->greeted) {
    struct pollfd fds[MAX_POLL_FDS];
    size_t n = agent_link_fds (agent->link, fds, MAX_POLL_FDS);
    json_t *event = NULL;
    int r;

    if (clock_now_ms (&real_clock) > end)
      return err_set (err, ERR_TIMEOUT,
                      "helper '%s': the agent said nothing for %d s", helper,
                      HELLO_LIMIT_MS / 1000);
    poll (fds, n, 500);
    r = agent_link_step (agent->link, &event, err);
    if (r == -1)
      return err_wrap (err, "helper '%s'", helper);
    if (r == 1)
      agent_event (real, agent, event);
    else
      agent->greeted = agent_link_is_up (agent->link);
    json_decref (event);
  }
  return 0;
}

/* --- calls and probes --------------------------------------------------------
 */

static void
run_call (struct pool_task *task, json_t **out, struct err **err)
{
  const struct provider_op *op = &task->binding->provider->ops[task->op];

  if (op->call == NULL)
    err_set (err, ERR_INTERNAL, "%s can't do operation %d",
             task->binding->provider->name, (int)task->op);
  else if (op->call (task->binding, task->in, out, err) == -1)
    err_wrap (err, "%s: %s", task->binding->provider->name, op->name);
}

static void
run_probe (struct pool_task *task, json_t **out, struct err **err)
{
  probe_run (task->in, out, err);
}

static bool
goes_by_http (const struct effect *effect)
{
  return effect->kind == EFFECT_OP &&
         effect->binding->provider->ops[effect->op].build != NULL;
}

/* Taken over. */
static void
submit_http (struct world_real *real, struct effect effect)
{
  struct err *err = NULL;

  if (real->http == NULL)
    real->http = world_http_new (real->pool, real->http_config, &err);
  if (real->http) {
    world_http_submit (real->http, effect);
    return;
  }
  push_done (real, effect.id, NULL, err, true);
  effect_release (&effect);
}

static void
submit (struct world *world, struct effect effect)
{
  struct world_real *real = (struct world_real *)world;

  if (goes_by_http (&effect)) {
    submit_http (real, effect);
    return;
  }
  if (effect.kind == EFFECT_WORK)
    submit_work (real, &effect);
  else {
    struct pool_task task = {
        .id = effect.id,
        .run = effect.kind == EFFECT_OP ? run_call : run_probe,
        .binding = effect.binding,
        .op = effect.op,
        .in = json_deep_copy (effect.in),
    };

    pool_submit (real->pool, task);
  }
  effect_release (&effect);
}

static bool
collect (struct world *world, struct completion *completion)
{
  struct world_real *real = (struct world_real *)world;

  if (real->done.len == 0)
    for (size_t i = 0; i < real->agents.len; i++)
      agent_run (real, real->agents.ptr[i]);
  if (real->done.len) {
    *completion = done_vec_remove (&real->done, 0);
    return true;
  }
  while (pool_collect (real->pool, completion))
    if (!world_http_takes (real->http, completion))
      return true;
  return real->http && world_http_collect (real->http, completion);
}

static void
wait_for (struct world *world, int64_t until_ms)
{
  struct world_real *real = (struct world_real *)world;
  struct pollfd fds[MAX_POLL_FDS];
  int64_t ms = until_ms - clock_now_ms (world->clock);
  size_t n = 0;

  if (real->done.len)
    return;
  fds[n++] = (struct pollfd){pool_fd (real->pool), POLLIN, 0};
  if (real->wakeup_fd >= 0)
    fds[n++] = (struct pollfd){real->wakeup_fd, POLLIN, 0};
  for (size_t i = 0; i < real->agents.len; i++)
    if (real->agents.ptr[i]->link)
      n +=
          agent_link_fds (real->agents.ptr[i]->link, fds + n, MAX_POLL_FDS - n);
  if (until_ms < 0 || ms > 1000)
    ms = 1000; /* agents' own time limits want a look now and then */
  if (real->http)
    world_http_wait (real->http, fds, (unsigned)n, ms < 0 ? 0 : ms);
  else
    poll (fds, n, ms < 0 ? 0 : (int)ms);
}

static json_t *
figures (struct world *world)
{
  struct world_real *real = (struct world_real *)world;
  CLEANUP_JSON json_t *now = NULL;
  json_t *all;

  if (real->http == NULL)
    return NULL;
  now = world_http_report (real->http);
  all = real->earlier ? json_deep_copy (real->earlier) : json_object ();
  figures_add (all, now);
  return all;
}

void
world_real_set_earlier (struct world_real *real, json_t *figures_taken)
{
  json_decref (real->earlier);
  real->earlier = figures_taken;
}

struct world_real *
world_real_new (const json_t *agents, const json_t *http)
{
  struct world_real *real = xcalloc (1, sizeof *real);

  real->world.clock = &real_clock;
  real->world.submit = submit;
  real->world.cancel = cancel;
  real->world.collect = collect;
  real->world.wait = wait_for;
  real->world.figures = figures;
  real->pool = pool_new (THREADS);
  real->agents_config = agents;
  real->http_config = http;
  real->wakeup_fd = -1;
  return real;
}

bool
world_real_free (struct world_real *real)
{
  bool ended;

  if (real == NULL)
    return true;
  for (size_t i = 0; i < real->agents.len; i++) {
    struct agent *agent = real->agents.ptr[i];

    if (agent->link)
      agent_link_stop (agent->link);
    for (size_t j = 0; j < agent->given.len; j++)
      json_decref (agent->given.ptr[j].message);
    given_vec_release (&agent->given);
    free (agent->name);
    free (agent);
  }
  agent_vec_release (&real->agents);
  for (size_t i = 0; i < real->done.len; i++)
    completion_release (&real->done.ptr[i]);
  done_vec_release (&real->done);
  json_decref (real->earlier);
  ended = pool_free (real->pool);
  world_http_free (real->http, ended);
  free (real);
  return ended;
}

struct world *
world_real_world (struct world_real *real)
{
  return &real->world;
}

void
world_real_set_wakeup (struct world_real *real, int fd)
{
  real->wakeup_fd = fd;
}
