#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <base/files.h>
#include <base/log.h>
#include <protocol/channel.h>
#include <protocol/protocol.h>
#include <recipes/recipe.h>

#include "harden.h"

struct worker {
  struct channel in; /* the batch, then cancels */
  int out_fd;
  json_t *batch;
  json_t *requests;  /* array: one for each disk */
  json_t *cancelled; /* {id: true} */
  json_t *allowed;   /* {id: true}: may be written */
  json_t *keys;      /* {id: answer}: not taken yet */
  struct work *works;
  struct recipe **recipes;
  struct recipe ***to_try; /* of inspect: each NULL, or ended by NULL */
  size_t n;
};

/* A process that does nothing but wait for the death of the worker, which the
 * kernel tells it, and then takes the whole process group along: QEMU,
 * qemu-img and libguestfs' own helpers, at once and not when they notice. */
static int
start_reaper (struct err **err)
{
  sigset_t death, before;
  pid_t worker = getpid (), pid;

  sigemptyset (&death);
  sigaddset (&death, SIGUSR1);
  sigprocmask (SIG_BLOCK, &death, &before);
  pid = fork ();
  if (pid == 0) {
    prctl (PR_SET_PDEATHSIG, SIGUSR1);
    for (int fd = 0; fd < 1024; fd++)
      close (fd);
    if (getppid () == worker)
      while (sigwaitinfo (&death, NULL) == -1 && errno == EINTR)
        ;
    kill (0, SIGKILL);
    _exit (0);
  }
  sigprocmask (SIG_SETMASK, &before, NULL);
  return pid == -1 ? err_set_errno (err, errno, "fork") : 0;
}

static void
emit (struct worker *w, json_t *message_taken)
{
  CLEANUP_JSON json_t *message = message_taken;
  CLEANUP_FREE char *line = message_line (message);

  if (write_all (w->out_fd, line, strlen (line)) == -1)
    _exit (AGENT_ERROR); /* the supervisor is gone, and so are we */
}

static void
on_stage (void *opaque, const char *id, const char *stage, const json_t *detail)
{
  json_t *event = message_new ("event", "stage");

  json_put_str (event, "id", id);
  json_put_str (event, "stage", stage);
  if (detail)
    json_put (event, "detail", json_incref ((json_t *)detail));
  emit (opaque, event);
}

static void
on_appliance (void *opaque, const char *phase, const json_t *detail)
{
  json_t *event = message_new ("event", "appliance");

  if (json_is_object (detail))
    json_object_update_missing (event, (json_t *)detail);
  json_put_str (event, "phase", phase);
  emit (opaque, event);
}

static void
on_result (void *opaque, const char *id, json_t *result_taken)
{
  json_t *event = message_new ("event", "result");

  json_object_update_missing (event, result_taken);
  json_decref (result_taken);
  json_put_str (event, "id", id);
  emit (opaque, event);
}

/* Garbage or the end of input can only mean that the supervisor is gone. */
static void
hear_supervisor (struct worker *w)
{
  json_t *message;
  int r;

  if (channel_io (&w->in, NULL) == -1)
    _exit (AGENT_ERROR);
  while ((r = channel_next (&w->in, &message, NULL)) == 1) {
    const char *name = json_str (message, "request", "");
    const char *id = json_str (message, "id", "");

    if (strcmp (name, "cancel") == 0)
      json_put_bool (w->cancelled, id, true);
    else if (strcmp (name, "commit") == 0)
      json_put_bool (w->allowed, id, true);
    else if (strcmp (name, "keys") == 0)
      json_put (w->keys, id, json_incref (message));
    json_decref (message);
  }
  if (r == -1 || w->in.ended)
    _exit (AGENT_ERROR);
}

static bool
on_wanted (void *opaque, const char *id)
{
  struct worker *w = opaque;

  hear_supervisor (w);
  return json_object_get (w->cancelled, id) == NULL;
}

static bool
on_may_commit (void *opaque, const char *id)
{
  struct worker *w = opaque;
  json_t *ask = message_new ("event", "ask");

  json_put_str (ask, "id", id);
  emit (w, ask);
  for (;;) {
    struct pollfd fds[CHANNEL_MAX_FDS];

    hear_supervisor (w);
    if (json_object_get (w->cancelled, id))
      return false;
    if (json_object_get (w->allowed, id))
      return true;
    (void)poll (fds, channel_fds (&w->in, fds, true), -1);
  }
}

/* Which keys there are is the controller's to find out; it says so if there is
 * none, and the supervisor ends us if it says nothing for too long. */
static json_t *
on_keys (void *opaque, const char *id, const json_t *wanted)
{
  struct worker *w = opaque;
  json_t *event = message_new ("event", "keys"), *answer;

  json_put_str (event, "id", id);
  json_put (event, "volumes", json_incref ((json_t *)wanted));
  json_object_del (w->keys, id);
  emit (w, event);
  for (;;) {
    struct pollfd fds[CHANNEL_MAX_FDS];

    hear_supervisor (w);
    answer = json_object_get (w->keys, id);
    if (answer || json_object_get (w->cancelled, id)) {
      json_incref (answer);
      json_object_del (w->keys, id);
      return answer;
    }
    (void)poll (fds, channel_fds (&w->in, fds, true), -1);
  }
}

static int
read_message (struct worker *w, json_t **message, struct err **err)
{
  for (;;) {
    int r = channel_next (&w->in, message, err);
    struct pollfd fds[CHANNEL_MAX_FDS];

    if (r != 0)
      return r == 1 ? 0 : -1;
    if (w->in.ended)
      return err_set (err, ERR_STOPPED, "the batch has no end");
    (void)poll (fds, channel_fds (&w->in, fds, true), -1);
    if (channel_io (&w->in, err) == -1)
      return -1;
  }
}

/* recipes[] of an inspect. */
static int
fill_recipes (struct worker *w, size_t i, const json_t *r, struct err **err)
{
  const json_t *list = json_object_get (r, "recipes");
  size_t n = json_array_size (list);
  struct recipe **recipes;

  if (n == 0)
    return 0;
  recipes = w->to_try[i] = xcalloc (n + 1, sizeof (struct recipe *));
  for (size_t j = 0; j < n; j++) {
    const json_t *one = json_array_get (list, j);

    recipes[j] = recipe_new (json_object_get (one, "recipe"),
                             json_object_get (one, "parameters"), err);
    if (recipes[j] == NULL)
      return err_wrap (err, "%s", w->works[i].id);
  }
  w->works[i].recipes = (const struct recipe *const *)recipes;
  return 0;
}

static int
fill_work (struct worker *w, size_t i, const json_t *r, struct err **err)
{
  struct work *work = &w->works[i];

  *work = (struct work){
      .id = json_str (r, "id", ""),
      .mode = json_str (r, "mode", ""),
      .path = json_str (r, "disk.path", ""),
      .format = json_str (r, "disk.format", "raw"),
      .size_bytes = json_int (r, "disk.size_bytes", -1),
      .serial = json_str (r, "disk.serial", NULL),
      .machine = json_str (r, "disk.machine", NULL),
      .evidence = json_str (r, "evidence", NULL),
      .allow = json_object_get (r, "allow"),
      .dirty_ntfs = json_str (r, "dirty_ntfs", "replay"),
      .limit_ms = json_int (r, "limit_ms", 0),
      .unchanged = json_bool (r, "unchanged", false),
      .ask = json_bool (r, "ask", false),
      .ask_keys = json_bool (r, "keys", false),
      .findings = json_bool (r, "findings", false),
  };
  if (json_object_get (r, "recipe") == NULL)
    return fill_recipes (w, i, r, err);
  /* Checked by the supervisor, but it is we who act by it. */
  w->recipes[i] = recipe_new (json_object_get (r, "recipe"),
                              json_object_get (r, "parameters"), err);
  work->recipe = w->recipes[i];
  return work->recipe ? 0 : err_wrap (err, "%s", work->id);
}

static int
read_batch (struct worker *w, struct err **err)
{
  int64_t n;

  if (read_message (w, &w->batch, err) == -1 ||
      json_need_int (w->batch, "disks", &n, err) == -1 ||
      json_need_str (w->batch, "scratch", err) == NULL)
    return -1;
  if (n < 1 || n > 255)
    return err_set (err, ERR_INPUT, "a batch of %lld disks", (long long)n);
  w->n = (size_t)n;
  w->works = xcalloc (w->n, sizeof *w->works);
  w->recipes = xcalloc (w->n, sizeof (struct recipe *));
  w->to_try = xcalloc (w->n, sizeof (struct recipe **));
  for (size_t i = 0; i < w->n; i++) {
    json_t *request;

    if (read_message (w, &request, err) == -1)
      return -1;
    json_array_append_new (w->requests, request);
    if (fill_work (w, i, request, err) == -1)
      return -1;
  }
  return 0;
}

static int
run_batch (struct worker *w, const struct agent_backend *backend,
           struct err **err)
{
  const char *scratch = json_str (w->batch, "scratch", "");
  const struct batch_options options = {.scratch = scratch,
                                        .force_tcg =
                                            backend->kvm_is_broken (scratch),
                                        .memsize_mb =
                                            (int)json_int (w->batch,
                                                           "memsize_mb", 0),
                                        .parse_program = "/proc/self/exe"};
  const struct batch_hooks hooks = {.stage = on_stage,
                                    .appliance = on_appliance,
                                    .result = on_result,
                                    .wanted = on_wanted,
                                    .may_commit = on_may_commit,
                                    .keys = on_keys,
                                    .opaque = w};

  return backend->batch_run (&options, w->works, w->n, &hooks, err);
}

static void
worker_release (struct worker *w)
{
  for (size_t i = 0; i < w->n; i++) {
    recipe_free (w->recipes[i]);
    for (size_t j = 0; w->to_try[i] && w->to_try[i][j]; j++)
      recipe_free (w->to_try[i][j]);
    free (w->to_try[i]);
  }
  free (w->recipes);
  free (w->to_try);
  free (w->works);
  json_decref (w->batch);
  json_decref (w->requests);
  json_decref (w->cancelled);
  json_decref (w->allowed);
  json_decref (w->keys);
  channel_release (&w->in);
  close (w->out_fd);
}

int
worker_main (const struct agent_backend *backend)
{
  struct worker w = {.requests = json_array (),
                     .cancelled = json_object (),
                     .allowed = json_object (),
                     .keys = json_object ()};
  CLEANUP_ERR struct err *err = NULL;
  int in_fd = dup (STDIN_FILENO);

  w.out_fd = stdout_set_aside ();
  channel_init (&w.in, in_fd, -1);
  channel_take_orders (&w.in);
  if (start_reaper (&err) == -1 || read_batch (&w, &err) == -1 ||
      run_batch (&w, backend, &err) == -1) {
    json_t *event = message_new ("event", "failed");

    json_put (event, "error", json_from_err (err));
    emit (&w, event);
  }
  worker_release (&w);
  return err ? AGENT_ERROR : AGENT_OK;
}
