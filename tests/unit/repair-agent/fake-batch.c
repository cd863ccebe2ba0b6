/* A batch_run without an appliance: what happens on a disk is in the name of
 * its path, "/fake/VERB..." (see verbs), so that every fault of a worker can be
 * shown in milliseconds.
 *
 * The batches are noted in $BOOTMEND_FAKE_LOG, one line "batch ID ID" each.
 * Each batch starts a child that stands for QEMU; its pid is noted too. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/files.h>
#include <base/strbuf.h>
#include <recipes/recipe.h>
#include <repair-agent/agent.h>

static void
note (const char *line)
{
  const char *path = getenv ("BOOTMEND_FAKE_LOG");
  CLEANUP_CLOSE int fd =
      path ? open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

  if (fd >= 0)
    (void)!write_all (fd, line, strlen (line));
}

static void
start_qemu (void)
{
  pid_t pid = fork ();
  CLEANUP_FREE char *line = NULL;

  if (pid == 0) {
    for (int fd = 0; fd < 256; fd++)
      close (fd);
    for (;;)
      pause ();
  }
  line = xasprintf ("qemu %d\n", (int)pid);
  note (line);
}

struct scene {
  const struct work *work;
  size_t n_works;
  const struct batch_hooks *hooks;
  bool no_result;
};

static void
hang (struct scene *s)
{
  (void)s;
  for (;;)
    pause ();
}

static void
hang_shared (struct scene *s)
{
  if (s->n_works > 1)
    hang (s);
}

static void
die (struct scene *s)
{
  (void)s;
  raise (SIGKILL);
}

static void
die_shared (struct scene *s)
{
  if (s->n_works > 1)
    die (s);
}

/* As if QEMU was killed once: well the second time. */
static void
die_once (struct scene *s)
{
  CLEANUP_FREE char *mark = path_join (s->work->evidence, "died");

  if (mkdir (mark, 0700) == 0)
    die (s);
}

static void
die_in_commit_once (struct scene *s)
{
  s->hooks->stage (s->hooks->opaque, s->work->id, "saved", NULL);
  die_once (s);
}

static void
die_in_commit (struct scene *s)
{
  s->hooks->stage (s->hooks->opaque, s->work->id, "saved", NULL);
  die (s);
}

static void
leave (struct scene *s)
{
  (void)s;
  _exit (0);
}

static void
slow (struct scene *s)
{
  usleep (300000);
  (void)s;
}

static void
slow_in_commit (struct scene *s)
{
  s->hooks->stage (s->hooks->opaque, s->work->id, "saved", NULL);
  usleep (700000);
}

static void
nonsense (struct scene *s)
{
  s->hooks->result (s->hooks->opaque, s->work->id,
                    json_make ("{s:s}", "outcome", "marvellous"));
  hang (s);
}

static void
stray (struct scene *s)
{
  s->hooks->result (s->hooks->opaque, "nobody",
                    json_make ("{s:s}", "outcome", "repaired"));
  hang (s);
}

/* printf of a library must not reach the protocol. */
static void
chatter (struct scene *s)
{
  (void)s;
  printf ("libwhatever: hello\n");
  fflush (stdout);
}

/* What it is told goes to the log, as only a fake may. */
static void
ask_for_keys (struct scene *s)
{
  CLEANUP_JSON json_t *wanted = json_make ("[{s:s}]", "volume", "partition 2");
  CLEANUP_JSON json_t *answer = NULL;
  CLEANUP_FREE char *line = NULL;

  if (s->work->ask_keys)
    answer = s->hooks->keys (s->hooks->opaque, s->work->id, wanted);
  line =
      xasprintf ("keys %s %s\n", s->work->id,
                 answer
                     ? json_str (json_array_get (json_at (answer, "keys"), 0),
                                 "key", "none")
                     : "unasked");
  note (line);
}

static const struct {
  const char *name;
  void (*act) (struct scene *s);
} verbs[] = {
    {"ok", NULL},
    {"hang", hang},
    {"hang-shared", hang_shared},
    {"die", die},
    {"die-shared", die_shared},
    {"die-once", die_once},
    {"die-in-commit", die_in_commit},
    {"die-in-commit-once", die_in_commit_once},
    {"leave", leave},
    {"slow", slow},
    {"slow-in-commit", slow_in_commit},
    {"nonsense", nonsense},
    {"stray", stray},
    {"chatter", chatter},
    {"keys", ask_for_keys},
};

/* "/fake/VERB" or "/fake/VERB.NUMBER" */
static bool
path_says (const struct work *work, const char *verb)
{
  const char *name = strrchr (work->path, '/') + 1;
  size_t len = strcspn (name, ".");

  return strlen (verb) == len && memcmp (name, verb, len) == 0;
}

static void
run_one (struct scene *s)
{
  bool undone;
  const char *id = s->work->id;
  void *opaque = s->hooks->opaque;

  if (!s->hooks->wanted (opaque, id)) {
    s->hooks->result (opaque, id,
                      json_make ("{s:s, s:b, s:{s:s, s:s}}", "outcome",
                                 "failed", "changed", 0, "error", "code",
                                 "stopped", "message", "cancelled"));
    return;
  }
  s->hooks->stage (opaque, id, "appliance", NULL);
  s->hooks->stage (opaque, id, "matched", NULL);
  if (s->work->ask && !s->hooks->may_commit (opaque, id)) {
    s->hooks->result (opaque, id,
                      json_make ("{s:s, s:b, s:s}", "outcome", "failed",
                                 "changed", 0, "reason", "not allowed"));
    return;
  }
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
    if (verbs[i].act && path_says (s->work, verbs[i].name))
      verbs[i].act (s);
  /* A whole campaign wants a way back, the tests of the agent one word. */
  undone = getenv ("BOOTMEND_FAKE_UNDOES") && s->work->mode &&
           strcmp (s->work->mode, "undo") == 0;
  s->hooks->result (opaque, id,
                    json_make ("{s:s, s:b, s:[s]}", "outcome",
                               undone ? "undone" : "repaired", "changed", 1,
                               "notes", "of the disk"));
}

/* "try ID NAME NAME": the recipes of an inspect. */
static void
note_recipes (const struct work *work)
{
  CLEANUP_STRBUF struct strbuf line = STRBUF_EMPTY;

  if (work->recipes == NULL)
    return;
  strbuf_addf (&line, "try %s", work->id);
  for (size_t i = 0; work->recipes[i]; i++)
    strbuf_addf (&line, " %s", work->recipes[i]->name);
  strbuf_addch (&line, '\n');
  note (line.buf);
}

static int
fake_batch_run (const struct batch_options *options, const struct work *works,
                size_t n_works, const struct batch_hooks *hooks,
                struct err **err)
{
  CLEANUP_STRBUF struct strbuf line = STRBUF_EMPTY;
  CLEANUP_FREE char *overlay = path_join (options->scratch, "redo.qcow2");
  CLEANUP_JSON json_t *up = NULL;

  strbuf_addstr (&line, "batch");
  for (size_t i = 0; i < n_works; i++)
    strbuf_addf (&line, " %s", works[i].id);
  strbuf_addch (&line, '\n');
  note (line.buf);
  if (getenv ("BOOTMEND_APPLIANCE")) {
    CLEANUP_FREE char *mode =
        xasprintf ("appliance %s\n", getenv ("BOOTMEND_APPLIANCE"));

    note (mode);
  }
  if (file_write_atomic (overlay, "", 0, 0600, err) == -1)
    return -1;
  start_qemu ();
  hooks->appliance (hooks->opaque, "start", NULL);
  for (size_t i = 0; i < n_works; i++) {
    note_recipes (&works[i]);
    if (path_says (&works[i], "start-fails"))
      return err_set (err, ERR_DISK, "the appliance did not start");
    if (path_says (&works[i], "start-hangs"))
      hang (NULL);
  }
  up = json_make ("{s:[s], s:s}", "notes", "KVM is lame", "accel", "tcg");
  hooks->appliance (hooks->opaque, "up", up);
  for (size_t i = 0; i < n_works; i++)
    run_one (&(struct scene){&works[i], n_works, hooks, false});
  hooks->appliance (hooks->opaque, "down", NULL);
  return 0;
}

static bool
fake_kvm_is_broken (const char *scratch)
{
  (void)scratch;
  return true;
}

/* As asked for by the environment, which --appliance sets. */
static int
fake_prepare (bool force_tcg, char **note, struct err **err)
{
  const char *mode = getenv ("BOOTMEND_APPLIANCE");

  if (mode && strcmp (mode, "lean") == 0)
    return err_set (err, ERR_CONFLICT, "no lean one here");
  *note = xasprintf ("%s ready%s", mode ? mode : "any",
                     force_tcg ? ", emulated" : "");
  return 0;
}

int
main (int argc, char **argv)
{
  static const struct agent_backend backend = {fake_batch_run,
                                               fake_kvm_is_broken,
                                               fake_prepare};

  return agent_main (argc, argv, &backend);
}
