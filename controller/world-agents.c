/* See world-agents.h. */

#include "world-agents.h"

#include <poll.h>
#include <string.h>

#include <base/vec.h>
#include <protocol/protocol.h>

#include "agent-link.h"

#define HELLO_LIMIT_MS 60000
#define FDS            4 /* of one agent, at least */
/* Work that was cancelled ends at the agent's next safe point, or else the
 * agent is ended. */
#define CANCEL_LIMIT_MS 60000
/* KVM is tried by starting a machine. */
#define CHECK_LIMIT_MS 150000
/* On a link that is cut without a word, a remote agent has to know by itself
 * that nobody is there any more.  This process may be busy, too, e.g. while it
 * waits for another agent's end. */
#define SILENCE_MS 120000
#define PING_MS    20000

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
  json_t *found;     /* what its machine has: the event "check"; NULL */
  int64_t pinged_ms; /* over ssh: its last sign of us */
  struct given_vec given;
};
DEFINE_VEC (struct agent *, agent_vec);
DEFINE_VEC (struct completion, done_vec);

struct world_agents {
  const json_t *config;
  struct agent_vec agents;
  struct done_vec done;  /* what they answered, not collected yet */
  struct key_desk *keys; /* NULL: no sources of keys were given */
};

static struct agent *
agent_of (struct world_agents *all, const char *name)
{
  struct agent *agent;

  for (size_t i = 0; i < all->agents.len; i++)
    if (strcmp (all->agents.ptr[i]->name, name) == 0)
      return all->agents.ptr[i];
  agent = xcalloc (1, sizeof *agent);
  agent->name = xstrdup (name);
  agent->argv = json_object_get (all->config, name);
  agent_vec_push (&all->agents, agent);
  return agent;
}

static bool
is_remote (const struct agent *agent)
{
  return json_is_object (agent->argv);
}

static struct agent_link *
link_start (const struct agent *agent, struct err **err)
{
  size_t n = json_array_size (agent->argv);
  CLEANUP_FREE const char **argv = NULL;

  if (is_remote (agent))
    return agent_link_start_ssh (json_at (agent->argv, "ssh"), err);
  if (n == 0 && strcmp (agent->name, "local") == 0)
    return agent_link_start_local (err);
  if (n == 0) {
    err_set (err, ERR_USAGE, "it is not known: give it with --helper");
    return NULL;
  }
  argv = xcalloc (n + 1, sizeof *argv);
  for (size_t i = 0; i < n; i++)
    argv[i] = json_string_value (json_array_get (agent->argv, i));
  return agent_link_start (argv, err);
}

static int
agent_start (struct agent *agent, struct err **err)
{
  CLEANUP_JSON json_t *hello = NULL;

  if (agent->link)
    return 0;
  agent->link = link_start (agent, err);
  agent->greeted = false;
  if (agent->link == NULL)
    return err_wrap (err, "helper '%s'", agent->name);
  if (!is_remote (agent))
    return 0;
  hello = message_new ("request", "hello");
  json_put_int (hello, "silence_ms", SILENCE_MS);
  agent->pinged_ms = clock_now_ms (&real_clock);
  return agent_link_send (agent->link, hello, err);
}

/* One that says nothing is as good as gone; one that works is told that we are
 * there.  False: it was gone. */
static bool
agent_keep (struct agent *agent, struct err **err)
{
  CLEANUP_JSON json_t *ping = NULL;

  if (!agent_link_is_up (agent->link)) {
    if (agent_link_quiet_ms (agent->link) <= HELLO_LIMIT_MS)
      return true;
    err_set (err, ERR_UNREACHABLE, "the agent said nothing for %d s",
             HELLO_LIMIT_MS / 1000);
    return false;
  }
  if (!is_remote (agent) ||
      clock_now_ms (&real_clock) - agent->pinged_ms < PING_MS)
    return true;
  ping = message_new ("request", "ping");
  agent->pinged_ms = clock_now_ms (&real_clock);
  return agent_link_send (agent->link, ping, err) == 0;
}

static void
push_done (struct world_agents *all, uint64_t id, json_t *out, struct err *err,
           bool last)
{
  struct completion completion = {.id = id,
                                  .out = out,
                                  .err = err,
                                  .last = last};

  done_vec_push (&all->done, completion);
}

/* The disk of a helper can go to another one; there is only one agent for disks
 * in place. */
static enum err_code
lost_code (const struct agent *agent, const struct err *why)
{
  if (strcmp (agent->name, "local") != 0)
    return ERR_UNREACHABLE;
  return why->code == ERR_PROTOCOL ? ERR_PROTOCOL : ERR_TRANSIENT;
}

/* The agent is gone: what it had not answered comes back to the engine, which
 * decides whether to try again. */
static void
agent_lost (struct world_agents *all, struct agent *agent,
            struct err *why_taken)
{
  CLEANUP_ERR struct err *why = why_taken;

  for (size_t i = 0; i < agent->given.len; i++) {
    struct err *err = NULL;

    err_set (&err, lost_code (agent, why), "helper '%s': %s", agent->name,
             why->msg);
    push_done (all, agent->given.ptr[i].id, NULL, err, true);
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
appliance_event (struct world_agents *all, struct agent *agent, json_t *event)
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
    push_done (all, agent->given.ptr[i].id, json_incref (event), NULL, false);
}

/* The engine has no part in it: a key passes through as few hands as can be. */
static void
send_keys (struct world_agents *all)
{
  struct key_reply reply;

  while (key_desk_collect (all->keys, &reply)) {
    struct agent *agent = agent_of (all, reply.agent);

    /* That it is gone is heard in the next step. */
    if (agent->link)
      (void)!agent_link_send (agent->link, reply.message, NULL);
    key_reply_release (&reply);
  }
}

static void
agent_event (struct world_agents *all, struct agent *agent, json_t *event)
{
  const char *kind = json_str (event, "event", "");
  size_t i = find_given (agent, json_str (event, "id", ""));
  struct given given;

  agent->greeted = true;
  if (strcmp (kind, "check") == 0) {
    json_decref (agent->found);
    agent->found = json_incref (event);
  }
  if (strcmp (kind, "appliance") == 0)
    appliance_event (all, agent, event);
  if (i == SIZE_MAX)
    return; /* of the appliance or the agent itself */
  if (strcmp (kind, "keys") == 0 && all->keys)
    key_desk_ask (all->keys, agent->name, event,
                  json_str (agent->given.ptr[i].message, "vm.id", NULL),
                  json_str (agent->given.ptr[i].message, "vm.name", NULL));
  else if (strcmp (kind, "stage") == 0 || strcmp (kind, "ask") == 0)
    push_done (all, agent->given.ptr[i].id, json_incref (event), NULL, false);
  else if (strcmp (kind, "result") == 0) {
    given = given_vec_remove (&agent->given, i);
    json_decref (given.message);
    push_done (all, given.id, json_incref (event), NULL, true);
  }
}

/* An agent that does not let go of a disk is ended, and with it its appliances:
 * only then may the VM be started again. */
static void
end_hanging (struct world_agents *all, struct agent *agent)
{
  struct err *err = NULL;

  for (size_t i = 0; i < agent->given.len; i++) {
    const struct given *given = &agent->given.ptr[i];

    if (given->end_by_ms == 0 || clock_now_ms (&real_clock) < given->end_by_ms)
      continue;
    err_set (&err, ERR_TIMEOUT, "it does not let go of %s; it was ended",
             json_str (given->message, "disk.path", "a disk"));
    agent_lost (all, agent, err);
    return;
  }
}

static void
agent_run (struct world_agents *all, struct agent *agent)
{
  struct err *err = NULL;
  json_t *event = NULL;
  int r;

  if (agent->link == NULL)
    return;
  while ((r = agent_link_step (agent->link, &event, &err)) == 1) {
    agent_event (all, agent, event);
    json_decref (TAKE (event));
  }
  if (r == -1 || !agent_keep (agent, &err))
    agent_lost (all, agent, err);
  else
    end_hanging (all, agent);
}

void
world_agents_submit (struct world_agents *all, struct effect *effect)
{
  struct agent *agent =
      agent_of (all, json_str (effect->in, "helper", "local"));
  struct given given = {effect->id, message_new ("request", "work"), 0};
  CLEANUP_FREE char *id = xasprintf ("w%llu", (unsigned long long)effect->id);
  struct err *err = NULL;

  json_object_update (given.message, effect->in);
  json_put_str (given.message, "id", id);
  if (all->keys)
    json_put_bool (given.message, "keys", true);
  given_vec_push (&agent->given, given);
  if (agent_start (agent, &err) == -1) {
    agent_lost (all, agent, err);
    return;
  }
  if (agent_link_send (agent->link, given.message, &err) == -1)
    agent_lost (all, agent, err);
}

/* Says something about work that an agent has; NULL: none has it. */
static struct given *
tell (struct world_agents *all, uint64_t id, const char *request)
{
  for (size_t i = 0; i < all->agents.len; i++) {
    struct agent *agent = all->agents.ptr[i];

    for (size_t j = 0; j < agent->given.len; j++) {
      struct given *given = &agent->given.ptr[j];
      CLEANUP_JSON json_t *message = NULL;

      if (given->id != id)
        continue;
      message = message_new ("request", request);
      json_put_str (message, "id", json_str (given->message, "id", ""));
      /* That it is gone is heard in the next step. */
      (void)!agent_link_send (agent->link, message, NULL);
      return given;
    }
  }
  return NULL;
}

void
world_agents_cancel (struct world_agents *all, uint64_t id)
{
  struct given *given = tell (all, id, "cancel");

  if (given)
    given->end_by_ms = clock_now_ms (&real_clock) + CANCEL_LIMIT_MS;
}

void
world_agents_allow (struct world_agents *all, uint64_t id)
{
  (void)tell (all, id, "commit");
}

/* Hears the agent until `*until` is there, for limit_ms without a word. */
static int
hear (struct world_agents *all, struct agent *agent,
      bool (*is) (struct agent *), int64_t limit_ms, struct err **err)
{
  while (!is (agent)) {
    struct pollfd fds[FDS];
    json_t *event = NULL;
    int r;

    if (agent_link_quiet_ms (agent->link) > limit_ms)
      return err_set (err, ERR_TIMEOUT,
                      "helper '%s': the agent said nothing for %lld s",
                      agent->name, (long long)(limit_ms / 1000));
    (void)poll (fds, agent_link_fds (agent->link, fds, FDS), 500);
    r = agent_link_step (agent->link, &event, err);
    if (r == -1) {
      agent_link_stop (TAKE (agent->link));
      return err_wrap (err, "helper '%s'", agent->name);
    }
    if (r == 1)
      agent_event (all, agent, event);
    json_decref (event);
  }
  return 0;
}

static bool
is_up (struct agent *agent)
{
  agent->greeted = agent->greeted || agent_link_is_up (agent->link);
  return agent->greeted;
}

static bool
has_found (struct agent *agent)
{
  return agent->found != NULL;
}

int
world_agents_check (struct world_agents *all, const char *helper,
                    struct err **err)
{
  struct agent *agent = agent_of (all, helper);

  if (agent_start (agent, err) == -1)
    return -1;
  return hear (all, agent, is_up, HELLO_LIMIT_MS, err);
}

int
world_agents_check_machine (struct world_agents *all, const char *helper,
                            const json_t *expect, struct err **err)
{
  struct agent *agent = agent_of (all, helper);
  CLEANUP_JSON json_t *request = message_new ("request", "check");
  json_t *item;
  size_t i;

  if (!is_remote (agent))
    return 0;
  json_put (request, "expect", expect ? json_deep_copy (expect) : NULL);
  if (agent_link_send (agent->link, request, err) == -1 ||
      hear (all, agent, has_found, CHECK_LIMIT_MS, err) == -1)
    return -1;
  json_array_foreach (json_at (agent->found, "items"), i, item)
  {
    if (strcmp (json_str (item, "level", ""), "missing") == 0)
      return err_set (err, ERR_USAGE,
                      "helper '%s' is not fit: %s: %s: %s; `bootmend helper "
                      "check` says what else it lacks",
                      helper, json_str (item, "name", "?"),
                      json_str (item, "detail", "?"),
                      json_str (item, "advice", "?"));
  }
  return 0;
}

bool
world_agents_collect (struct world_agents *all, struct completion *completion)
{
  send_keys (all);
  if (all->done.len == 0)
    for (size_t i = 0; i < all->agents.len; i++)
      agent_run (all, all->agents.ptr[i]);
  if (all->done.len == 0)
    return false;
  *completion = done_vec_remove (&all->done, 0);
  return true;
}

bool
world_agents_have (const struct world_agents *all)
{
  return all->done.len > 0;
}

size_t
world_agents_fds (const struct world_agents *all, struct pollfd *fds,
                  size_t max)
{
  size_t n = 0;

  for (size_t i = 0; i < all->agents.len; i++)
    if (all->agents.ptr[i]->link)
      n += agent_link_fds (all->agents.ptr[i]->link, fds + n, max - n);
  if (all->keys && n < max)
    fds[n++] = (struct pollfd){key_desk_fd (all->keys), POLLIN, 0};
  return n;
}

void
world_agents_set_keys (struct world_agents *all, struct key_desk *desk)
{
  key_desk_free (all->keys);
  all->keys = desk;
}

struct world_agents *
world_agents_new (const json_t *config)
{
  struct world_agents *all = xcalloc (1, sizeof *all);

  all->config = config;
  return all;
}

void
world_agents_free (struct world_agents *all)
{
  for (size_t i = 0; i < all->agents.len; i++) {
    struct agent *agent = all->agents.ptr[i];

    if (agent->link)
      agent_link_stop (agent->link);
    for (size_t j = 0; j < agent->given.len; j++)
      json_decref (agent->given.ptr[j].message);
    given_vec_release (&agent->given);
    json_decref (agent->found);
    free (agent->name);
    free (agent);
  }
  key_desk_free (all->keys);
  agent_vec_release (&all->agents);
  for (size_t i = 0; i < all->done.len; i++)
    completion_release (&all->done.ptr[i]);
  done_vec_release (&all->done);
  free (all);
}
