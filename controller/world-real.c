#include "world-real.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>

#include <base/vec.h>

#include "call-tally.h"
#include "pool.h"
#include "probe.h"
#include "world-agents.h"
#include "world-http.h"

#define THREADS      4
#define MAX_POLL_FDS 64
DEFINE_VEC (struct completion, done_vec);

struct world_real {
  struct world world; /* first: a struct world * is a struct world_real * */
  struct pool *pool;
  const json_t *http_config;
  struct world_http *http; /* NULL: no HTTP provider was asked yet */
  struct world_agents *agents;
  struct done_vec done; /* what could not be sent, not collected yet */
  json_t *earlier;      /* figures of earlier runs; NULL: none */
  int wakeup_fd;
};

static void
push_done (struct world_real *real, uint64_t id, struct err *err)
{
  struct completion completion = {.id = id, .err = err, .last = true};

  done_vec_push (&real->done, completion);
}

int
world_real_check_agent (struct world_real *real, const char *helper,
                        struct err **err)
{
  return world_agents_check (real->agents, helper, err);
}

int
world_real_check_machine (struct world_real *real, const char *helper,
                          const json_t *expect, struct err **err)
{
  return world_agents_check_machine (real->agents, helper, expect, err);
}

static void
cancel (struct world *world, uint64_t id)
{
  world_agents_cancel (((struct world_real *)world)->agents, id);
}

static void
allow (struct world *world, uint64_t id)
{
  world_agents_allow (((struct world_real *)world)->agents, id);
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
  push_done (real, effect.id, err);
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
    world_agents_submit (real->agents, &effect);
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

  if (world_agents_collect (real->agents, completion))
    return true;
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

  if (real->done.len || world_agents_have (real->agents))
    return;
  fds[n++] = (struct pollfd){pool_fd (real->pool), POLLIN, 0};
  if (real->wakeup_fd >= 0)
    fds[n++] = (struct pollfd){real->wakeup_fd, POLLIN, 0};
  n += world_agents_fds (real->agents, fds + n, MAX_POLL_FDS - n);
  if (until_ms < 0 || ms > 1000)
    ms = 1000; /* agents' own time limits want a look now and then */
  if (real->http)
    world_http_wait (real->http, fds, (unsigned)n, ms < 0 ? 0 : ms);
  else
    poll (fds, n, ms < 0 ? 0 : (int)ms);
}

static bool
stands_in_line (struct world *world, uint64_t id)
{
  const struct world_real *real = (const struct world_real *)world;

  return real->http && world_http_waits (real->http, id);
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

void
world_real_set_keys (struct world_real *real, struct key_desk *desk)
{
  world_agents_set_keys (real->agents, desk);
}

struct world_real *
world_real_new (const json_t *agents, const json_t *http)
{
  struct world_real *real = xcalloc (1, sizeof *real);

  real->world.clock = &real_clock;
  real->world.submit = submit;
  real->world.cancel = cancel;
  real->world.allow = allow;
  real->world.collect = collect;
  real->world.wait = wait_for;
  real->world.figures = figures;
  real->world.stands_in_line = stands_in_line;
  real->pool = pool_new (THREADS);
  real->agents = world_agents_new (agents);
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
  world_agents_free (real->agents);
  for (size_t i = 0; i < real->done.len; i++)
    completion_release (&real->done.ptr[i]);
  done_vec_release (&real->done);
  json_decref (real->earlier);
  ended = pool_free (real->pool);
  world_http_free (real->http, ended);
  free (real);
  return ended;
}

void
world_real_forget (struct world_real *real, const struct binding *binding)
{
  if (real->http)
    world_http_forget (real->http, binding);
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
