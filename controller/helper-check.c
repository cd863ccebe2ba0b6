#include "helper-check.h"

#include <poll.h>
#include <string.h>
#include <strings.h>

#include <base/clock.h>
#include <protocol/protocol.h>
#include <providers/vm.h>

#include "agent-link.h"

#define HELLO_MS 60000
/* KVM is tried by starting a machine. */
#define CHECK_MS 150000

void
helper_check_add (json_t *items, const char *name, const char *level,
                  const char *detail, const char *advice)
{
  json_t *item = json_object ();

  json_put_str (item, "name", name);
  json_put_str (item, "level", level);
  json_put_str (item, "detail", detail);
  json_put_str (item, "advice", advice);
  json_array_append_new (items, item);
}

bool
helper_check_ok (const json_t *items)
{
  json_t *item;
  size_t i;

  json_array_foreach ((json_t *)items, i, item)
  {
    if (strcmp (json_str (item, "level", ""), "missing") == 0)
      return false;
  }
  return true;
}

/* The next event of this kind; others are dropped. */
static json_t *
await (struct agent_link *link, const char *kind, int64_t limit_ms,
       struct err **err)
{
  int64_t end = clock_now_ms (&real_clock) + limit_ms;

  for (;;) {
    struct pollfd fds[4];
    json_t *event = NULL;
    int r = agent_link_step (link, &event, err);

    if (r == -1)
      return NULL;
    if (r == 1 && strcmp (json_str (event, "event", ""), kind) == 0)
      return event;
    json_decref (event);
    if (r == 1)
      continue;
    if (clock_now_ms (&real_clock) > end &&
        agent_link_quiet_ms (link) > limit_ms) {
      err_set (err, ERR_TIMEOUT, "nothing was said for %lld s",
               (long long)(limit_ms / 1000));
      return NULL;
    }
    (void)poll (fds, agent_link_fds (link, fds, ARRAY_SIZE (fds)), 500);
  }
}

static struct agent_link *
start (const json_t *config, struct err **err)
{
  size_t n = json_array_size (config);
  CLEANUP_FREE const char **argv = xcalloc (n + 1, sizeof *argv);

  if (json_is_object (config))
    return agent_link_start_ssh (json_at (config, "ssh"), err);
  for (size_t i = 0; i < n; i++)
    argv[i] = json_string_value (json_array_get (config, i));
  return agent_link_start (argv, err);
}

static void
add_hello (json_t *items, const json_t *config, const json_t *hello, int64_t ms)
{
  CLEANUP_FREE char *took =
      xasprintf ("%s, %.1f s until the agent spoke",
                 json_str (config, "ssh.host", "on this machine"),
                 (double)ms / 1000);
  CLEANUP_FREE char *agent =
      xasprintf ("bootmend-agent %s, protocol %lld, on %s; %s",
                 json_str (hello, "agent", "?"),
                 (long long)json_int (hello, "protocol", 0),
                 json_str (hello, "host", "?"),
                 json_is_array (config)          ? "of this machine"
                 : json_at (config, "ssh.agent") ? "installed there"
                                                 : "the copy of this one");

  helper_check_add (items, json_is_object (config) ? "ssh" : "program", "ok",
                    took, NULL);
  helper_check_add (items, "agent", "ok", agent, NULL);
}

static int
ask (struct agent_link *link, const json_t *config, const json_t *expect,
     json_t *items, struct err **err)
{
  int64_t began_ms = clock_now_ms (&real_clock);
  CLEANUP_JSON json_t *request = message_new ("request", "check");
  CLEANUP_JSON json_t *hello = await (link, "hello", HELLO_MS, err);
  CLEANUP_JSON json_t *found = NULL;
  json_t *list;

  if (hello == NULL)
    return -1;
  add_hello (items, config, hello, clock_now_ms (&real_clock) - began_ms);
  json_put (request, "expect", expect ? json_deep_copy (expect) : NULL);
  if (agent_link_send (link, request, err) == -1)
    return -1;
  found = await (link, "check", CHECK_MS, err);
  if (found == NULL)
    return -1;
  list = json_object_get (found, "items");
  if (!json_is_array (list))
    return err_set (err, ERR_PROTOCOL, "the agent can't say: %s",
                    json_str (found, "error.message", "no list"));
  json_array_extend (items, list);
  return 0;
}

void
helper_check_agent (const json_t *config, const json_t *expect, json_t *items)
{
  CLEANUP_ERR struct err *err = NULL;
  size_t before = json_array_size (items);
  struct agent_link *link = start (config, &err);

  if (link == NULL || ask (link, config, expect, items, &err) == -1)
    helper_check_add (items,
                      json_array_size (items) > before ? "check"
                      : json_is_object (config)        ? "ssh"
                                                       : "program",
                      "missing", err->msg, NULL);
  agent_link_stop (link);
}

static void
add_slots (const struct provider *provider, const json_t *record, json_t *items)
{
  CLEANUP_JSON json_t *slots =
      provider->helper_slots ? provider->helper_slots (record) : json_array ();
  size_t n = json_array_size (slots);
  CLEANUP_FREE char *text = xasprintf ("%zu free", n);

  helper_check_add (items, "slots", n ? "ok" : "missing", text,
                    n ? NULL
                      : "nothing more can be attached to it: detach what it "
                        "does not need, or choose a larger type");
}

/* As the clouds call them. */
static const char *const types[] = {"attributes.instance_type",
                                    "attributes.machine_type",
                                    "attributes.vm_size", NULL};
static const char *const roles[] = {"facts.role", "attributes.identity", NULL};

static const char *
first_of (const json_t *record, const char *const *paths)
{
  const char *text = NULL;

  for (size_t i = 0; paths[i] && text == NULL; i++)
    text = json_str (record, paths[i], NULL);
  return text && *text && strcasecmp (text, "None") != 0 ? text : NULL;
}

void
helper_check_record (const struct provider *provider, const json_t *record,
                     json_t *items)
{
  bool runs = vm_is_power (record, "running");
  const char *role = first_of (record, roles);
  CLEANUP_FREE char *state =
      xasprintf ("%s '%s', %s, zone %s", json_str (record, "name", ""),
                 json_str (record, "power", "?"),
                 first_of (record, types) ?: "type unknown",
                 json_str (record, "zone", "unknown"));

  helper_check_add (items, "instance", runs ? "ok" : "missing", state,
                    runs ? NULL : "start it");
  add_slots (provider, record, items);
  if (role)
    helper_check_add (items, "role", "warning", role,
                      "an agent needs no permissions of the cloud; a helper "
                      "without a role can lose none");
  else
    helper_check_add (items, "role", "ok", "none", NULL);
}
