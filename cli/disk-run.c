#include "disk-run.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <base/clock.h>
#include <base/log.h>
#include <base/secret.h>
#include <controller/agent-link.h>
#include <keys/key-desk.h>
#include <protocol/protocol.h>

#include "progress.h"
#include "request.h"
#include "show.h"
#include "stop.h"

#define MAX_FDS        8
#define HELLO_LIMIT_MS 60000

struct disk_run {
  const struct cli *cli;
  struct agent_link *link; /* NULL: the agent is gone */
  struct err *lost;        /* why */
  struct progress *progress;
  uint64_t next_id; /* ids are not used twice in a conversation */
  bool stopped;
  struct key_desk *keys; /* NULL: no sources were given */
};

/* One call of disk_run_work. */
struct round {
  struct disk_work *works;
  size_t n, open;
  uint64_t first_id;
};

static int64_t
now (void)
{
  return clock_now_ms (&real_clock);
}

static int
open_keys (const struct cli *cli, struct key_desk **keys, struct err **err)
{
  CLEANUP_JSON json_t *words = request_keys (cli), *settings = NULL;
  struct key_sources *sources;

  if (json_array_size (words) == 0)
    return 0;
  secret_no_core_dumps ();
  settings = request_of_providers (cli);
  sources = key_sources_new (words, settings, true, err);
  if (sources == NULL)
    return -1;
  key_sources_check (sources);
  *keys = key_desk_new (sources);
  return 0;
}

struct disk_run *
disk_run_new (const struct cli *cli, size_t total, struct err **err)
{
  CLEANUP_JSON json_t *words = request_agent (cli);
  size_t n = json_array_size (words);
  CLEANUP_FREE const char **argv = xcalloc (n + 1, sizeof *argv);
  CLEANUP_KEY_DESK struct key_desk *keys = NULL;
  struct agent_link *link;
  struct disk_run *run;

  /* before there is a child that could inherit a key */
  if (open_keys (cli, &keys, err) == -1)
    return NULL;
  for (size_t i = 0; i < n; i++)
    argv[i] = json_string_value (json_array_get (words, i));
  link = agent_link_start (argv, err);
  if (link == NULL)
    return NULL;
  /* What is no agent is found out before it is given a disk. */
  if (agent_link_await_hello (link, HELLO_LIMIT_MS, err) == -1) {
    agent_link_stop (link);
    return NULL;
  }
  stop_install ("disks in work are finished up to a safe point, no new ones "
                "are begun",
                "once more ends at once; a disk that is being written is "
                "finished by the next run on it");
  run = xcalloc (1, sizeof *run);
  run->cli = cli;
  run->link = link;
  run->keys = TAKE (keys);
  run->next_id = 1;
  run->progress = show_progress (cli, "disks", (int64_t)total);
  return run;
}

void
disk_run_free (struct disk_run *run)
{
  if (run == NULL)
    return;
  progress_free (run->progress);
  if (run->link)
    agent_link_stop (run->link);
  key_desk_free (run->keys);
  err_free (run->lost);
  free (run);
}

void
cleanup_disk_run (struct disk_run **run)
{
  disk_run_free (*run);
}

void
disk_run_end_display (struct disk_run *run)
{
  progress_free (TAKE (run->progress));
}

bool
disk_run_was_stopped (const struct disk_run *run)
{
  return run->stopped;
}

/* ---- results ---- */

static json_t *
failed_result (const struct err *err)
{
  return json_make ("{s:s,s:s,s:b,s:o}", "outcome", "failed", "reason",
                    err->msg, "changed", 0, "error", json_from_err (err));
}

json_t *
disk_run_failed (struct disk_run *run, const struct image *image,
                 const struct err *err)
{
  progress_done (run->progress, image->name, image->name, "failed", err->msg,
                 now ());
  return failed_result (err);
}

/* For a campaign a repair that an earlier run made counts as its own; here it
 * was another command, and for this one there was nothing left to do. */
static void
result_of_this_run (json_t *result)
{
  if (!json_bool (result, "earlier", false))
    return;
  json_put_str (result, "outcome", "clean");
  json_put_bool (result, "changed", false);
  json_put_str (result, "reason", "repaired by an earlier run");
}

static void
set_result (struct disk_run *run, struct round *round, struct disk_work *work,
            json_t *result_taken)
{
  CLEANUP_FREE char *what = NULL;

  if (work->result) { /* an agent that answers twice */
    json_decref (result_taken);
    return;
  }
  work->result = result_taken;
  result_of_this_run (work->result);
  round->open--;
  what = result_what (work->result);
  progress_done (run->progress, work->image->name, work->image->name,
                 result_outcome (work->result), what[0] ? what : NULL, now ());
}

static struct disk_work *
work_of (const struct round *round, const json_t *event)
{
  const char *text = json_str (event, "id", "");
  uint64_t id = strtoull (text, NULL, 10);

  if (id < round->first_id || id >= round->first_id + round->n)
    return NULL;
  return &round->works[id - round->first_id];
}

/* ---- events ---- */

static void
on_appliance (struct disk_run *run, const json_t *event)
{
  const char *phase = json_str (event, "phase", "");
  size_t n = json_array_size (json_at (event, "ids"));
  CLEANUP_FREE char *text = NULL;

  if (strcmp (phase, "start") == 0) {
    text = xasprintf ("starting an appliance for %zu disk%s", n,
                      n == 1 ? "" : "s");
    progress_note (run->progress, text, now ());
    return;
  }
  progress_note (run->progress, NULL, now ());
  show_notes (run->progress, NULL, event);
  if (strcmp (phase, "up") == 0)
    log_info ("appliance up with %s after %" PRId64 " ms",
              json_str (event, "accel", "?"), json_int (event, "ms", 0));
  else if (strcmp (phase, "lost") == 0)
    log_info ("appliance lost: %s; its disks are tried one by one",
              json_str (event, "error.message",
                        json_str (event, "error", "no reason given")));
}

static void
on_event (struct disk_run *run, struct round *round, json_t *event)
{
  const char *name = json_str (event, "event", "");
  struct disk_work *work = work_of (round, event);

  if (strcmp (name, "stage") == 0 && work)
    progress_stage (run->progress, work->image->name, work->image->name,
                    json_str (event, "stage", "?"), now ());
  else if (strcmp (name, "result") == 0 && work)
    set_result (run, round, work, json_incref (event));
  else if (strcmp (name, "keys") == 0 && work && run->keys)
    key_desk_ask (run->keys, "", event, NULL, work->image->name);
  else if (strcmp (name, "appliance") == 0)
    on_appliance (run, event);
  else if (strcmp (name, "log") == 0 &&
           strcmp (json_str (event, "level", ""), "warning") == 0)
    log_warn ("agent: %s", json_str (event, "text", ""));
  else if (strcmp (name, "log") == 0)
    log_debug ("agent: %s", json_str (event, "text", ""));
}

/* The agent is gone: what it had not answered has failed. */
static void
lose (struct disk_run *run, struct round *round, struct err *err_taken)
{
  run->lost = err_taken;
  if (run->link)
    agent_link_stop (TAKE (run->link));
  for (size_t i = 0; i < round->n; i++)
    if (round->works[i].result == NULL)
      set_result (run, round, &round->works[i], failed_result (run->lost));
}

static void
send_all (struct disk_run *run, struct round *round)
{
  CLEANUP_ERR struct err *err = NULL;

  for (size_t i = 0; i < round->n; i++) {
    CLEANUP_FREE char *id = xasprintf ("%" PRIu64, round->first_id + i);
    CLEANUP_JSON json_t *message = message_new ("request", "work");

    json_put_str (message, "id", id);
    json_object_update (message, round->works[i].request);
    if (run->keys)
      json_put_bool (message, "keys", true);
    if (agent_link_send (run->link, message, &err) == -1) {
      lose (run, round, TAKE (err));
      return;
    }
  }
}

static void
cancel_all (struct disk_run *run, struct round *round)
{
  run->stopped = true;
  for (size_t i = 0; i < round->n; i++) {
    CLEANUP_FREE char *id = xasprintf ("%" PRIu64, round->first_id + i);
    CLEANUP_JSON json_t *message = message_new ("request", "cancel");

    json_put_str (message, "id", id);
    if (round->works[i].result == NULL &&
        agent_link_send (run->link, message, NULL) == -1)
      return; /* the next step says why */
  }
}

static void
send_keys (struct disk_run *run)
{
  struct key_reply reply;

  while (key_desk_collect (run->keys, &reply)) {
    if (run->link) /* the next step says why it can't be sent */
      (void)!agent_link_send (run->link, reply.message, NULL);
    key_reply_release (&reply);
  }
}

static void
wait_for_agent (struct disk_run *run)
{
  struct pollfd fds[MAX_FDS];
  size_t n = agent_link_fds (run->link, fds, MAX_FDS - 2);

  fds[n++] = (struct pollfd){stop_fd (), POLLIN, 0};
  fds[n++] = (struct pollfd){key_desk_fd (run->keys), POLLIN, 0};
  poll (fds, n, PROGRESS_TICK_MS);
}

void
disk_run_work (struct disk_run *run, struct disk_work *works, size_t n)
{
  struct round round = {works, n, n, run->next_id};
  CLEANUP_ERR struct err *err = NULL;

  run->next_id += n;
  if (run->link == NULL) {
    lose (run, &round, TAKE (run->lost));
    return;
  }
  send_all (run, &round);
  while (run->link && round.open) {
    json_t *event = NULL;
    int r = agent_link_step (run->link, &event, &err);

    if (r == -1) {
      lose (run, &round, TAKE (err));
      break;
    }
    if (r == 1) {
      on_event (run, &round, event);
      json_decref (event);
      continue;
    }
    send_keys (run);
    if (stop_check () && !run->stopped)
      cancel_all (run, &round);
    progress_tick (run->progress, now ());
    wait_for_agent (run);
  }
  progress_note (run->progress, NULL, now ());
}
