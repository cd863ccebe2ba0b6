/* The controller's side of the supervisor: requests come, results go. */

#include "supervisor-state.h"

#include <string.h>

#include <base/command.h>
#include <base/log.h>
#include <protocol/protocol.h>

#include "arrival.h"

#define CHECK_LIMIT_MS 120000

void
send_event (struct supervisor *s, json_t *event_taken)
{
  channel_send (&s->ch, event_taken);
  json_decref (event_taken);
}

void
end_job (struct supervisor *s, struct job *job, json_t *result_taken)
{
  job_annotate (job, result_taken);
  send_event (s, result_taken);
  job->state = JOB_ENDED;
}

void
end_job_stopped (struct supervisor *s, struct job *job, const char *why)
{
  CLEANUP_ERR struct err *err = NULL;

  err_set (&err, ERR_STOPPED, "%s%s", why,
           job_in_commit (job)
               ? " while the disk was being written: run it again with the "
                 "same evidence folder"
               : "; the disk is untouched");
  s->undone_work = true;
  end_job (s, job, result_failed (job->id, err, job_in_commit (job)));
}

static struct job *
find_job (const struct supervisor *s, const char *id)
{
  for (size_t i = 0; i < s->jobs.len; i++)
    if (s->jobs.ptr[i]->state != JOB_ENDED &&
        strcmp (s->jobs.ptr[i]->id, id) == 0)
      return s->jobs.ptr[i];
  return NULL;
}

void
supervisor_stop (struct supervisor *s, const char *why)
{
  int64_t now_ms = clock_now_ms (s->clock);

  if (s->stopping)
    return;
  s->stopping = true;
  log_debug ("stopping: %s", why);
  for (size_t i = 0; i < s->jobs.len; i++)
    if (s->jobs.ptr[i]->state == JOB_WAITING ||
        s->jobs.ptr[i]->state == JOB_AWAITED)
      end_job_stopped (s, s->jobs.ptr[i], why);
  for (size_t i = 0; i < s->slots.len; i++)
    slot_stop (s->slots.ptr[i], now_ms + PROTOCOL_STOP_GRACE_MS);
}

static int
accept_work (struct supervisor *s, const json_t *request, struct err **err)
{
  CLEANUP_ERR struct err *why = NULL;
  const char *id;
  struct job *job;
  json_t *accepted;

  job = job_new (request, s->options->limit_disk_ms, &id, &why);
  if (id == NULL)
    return err_move (err, TAKE (why));
  if (job && find_job (s, id)) {
    job_free (job);
    return err_set (err, ERR_PROTOCOL, "the work id \"%s\" is in use", id);
  }
  accepted = message_new ("event", "accepted");
  json_put_str (accepted, "id", id);
  send_event (s, accepted);
  if (job == NULL) {
    send_event (s, result_failed (id, why, false));
    return 0;
  }
  job->arrived_ms = clock_now_ms (s->clock);
  arrival_expect (job, job->arrived_ms);
  if (s->options->isolation && strcmp (s->options->isolation, "disk") == 0)
    job->alone = true;
  job_vec_push (&s->jobs, job);
  if (s->stopping)
    end_job_stopped (s, job, "the agent is stopping");
  return 0;
}

static void
cancel_work (struct supervisor *s, const char *id)
{
  struct job *job = find_job (s, id);

  if (job && (job->state == JOB_WAITING || job->state == JOB_AWAITED))
    end_job_stopped (s, job, "cancelled before it started");
  for (size_t i = 0; i < s->slots.len; i++)
    if (job && slot_job (s->slots.ptr[i], id) == job)
      slot_cancel (s->slots.ptr[i], job);
}

static void
allow_commit (struct supervisor *s, const char *id)
{
  for (size_t i = 0; i < s->slots.len; i++) {
    struct job *job = slot_job (s->slots.ptr[i], id);

    if (job && !s->stopping)
      slot_allow (s->slots.ptr[i], job);
  }
}

static void
give_keys (struct supervisor *s, const json_t *request)
{
  for (size_t i = 0; i < s->slots.len; i++)
    if (slot_job (s->slots.ptr[i], json_str (request, "id", "")))
      slot_give_keys (s->slots.ptr[i], request);
}

/* By a process of its own: what it tries must not harm this one. */
static void
send_check (struct supervisor *s, const json_t *expect)
{
  CLEANUP_FREE char *text = expect ? json_text (expect) : NULL;
  CLEANUP_FREE char *expected = text ? xasprintf ("--expect=%s", text) : NULL;
  CLEANUP_FREE char *scratch =
      s->options->scratch ? xasprintf ("--scratch=%s", s->options->scratch)
                          : NULL;
  const char *argv[] = {"/proc/self/exe", "--check",
                        scratch ? scratch : expected, scratch ? expected : NULL,
                        NULL};
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_ERR struct err *err = NULL;
  json_t *event = message_new ("event", "check");
  CLEANUP_JSON json_t *found = NULL;

  if (command_run (argv, NULL, CHECK_LIMIT_MS, 1 << 20, &result, &err) == 0)
    found = json_parse (result.output.buf ? result.output.buf : "",
                        result.output.len, "--check", &err);
  if (found)
    json_object_update_missing (event, found);
  else
    json_put (event, "error", json_from_err (err));
  send_event (s, event);
}

static int
on_request (struct supervisor *s, const json_t *request, struct err **err)
{
  const char *name = json_str (request, "request", "");

  if (strcmp (name, "work") == 0)
    return accept_work (s, request, err);
  if (strcmp (name, "cancel") == 0)
    cancel_work (s, json_str (request, "id", ""));
  else if (strcmp (name, "commit") == 0)
    allow_commit (s, json_str (request, "id", ""));
  else if (strcmp (name, "keys") == 0)
    give_keys (s, request);
  else if (strcmp (name, "hello") == 0)
    s->silence_ms = json_int (request, "silence_ms", 0);
  else if (strcmp (name, "check") == 0)
    send_check (s, json_object_get (request, "expect"));
  else if (strcmp (name, "ping") == 0)
    ; /* it was heard */
  else if (strcmp (name, "quit") == 0)
    supervisor_stop (s, "the controller wants no more");
  else /* a newer controller; it sees from hello what we are */
    log_debug ("unknown request \"%s\" ignored", name);
  return 0;
}

void
hear_controller (struct supervisor *s)
{
  CLEANUP_ERR struct err *err = NULL;
  json_t *request;
  int r = channel_io (&s->ch, &err);

  while (r != -1 && (r = channel_next (&s->ch, &request, &err)) == 1) {
    s->heard_ms = clock_now_ms (s->clock);
    r = on_request (s, request, &err);
    json_decref (request);
  }
  if (r == -1 && !s->stopping) {
    if (err->code == ERR_PROTOCOL) {
      log_error ("the controller: %s", err->msg);
      s->exit_code = AGENT_ERROR;
    }
    supervisor_stop (s, "the controller talks garbage");
  }
  if (s->ch.ended || s->ch.out_fd < 0)
    supervisor_stop (s, "the controller is gone");
  else if (s->silence_ms &&
           clock_now_ms (s->clock) - s->heard_ms > s->silence_ms)
    supervisor_stop (s, "the controller has been silent for too long");
}
