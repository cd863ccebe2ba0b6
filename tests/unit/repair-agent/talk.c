#include "talk.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/files.h>
#include <base/vec.h>
#include <protocol/protocol.h>

#define PATIENCE_MS 20000

struct talk *
talk_start (const char *const *options)
{
  struct talk *t = xcalloc (1, sizeof *t);
  char folder[] = "/tmp/bootmend-talk-XXXXXX";
  struct str_vec argv = VEC_EMPTY;
  CLEANUP_FREE char **args = NULL;
  CLEANUP_FREE char *scratch = NULL, *log = NULL;

  if (mkdtemp (folder) == NULL)
    abort ();
  t->folder = xstrdup (folder);
  t->events = json_array ();
  log = path_join (folder, "log");
  scratch = xasprintf ("--scratch=%s/scratch", folder);
  setenv ("BOOTMEND_FAKE_LOG", log, 1);
  str_vec_push (&argv, getenv ("BOOTMEND_FAKE_AGENT"));
  str_vec_push (&argv, scratch);
  for (; options && *options; options++)
    str_vec_push (&argv, (char *)*options);
  args = str_vec_take (&argv);
  if (child_start ((const char *const *)args, 0, &t->child, NULL) == -1)
    abort ();
  channel_init (&t->ch, t->child.out, t->child.in);
  return t;
}

void
talk_send (struct talk *t, json_t *request_taken)
{
  channel_send (&t->ch, request_taken);
  json_decref (request_taken);
  channel_flush (&t->ch);
}

void
talk_work (struct talk *t, const char *id, const char *path, const char *domain,
           const char *isolation)
{
  json_t *work = message_new ("request", "work");
  json_t *disk = json_make ("{s:s}", "format", "raw");
  CLEANUP_FREE char *full = path_join ("/fake", path);
  CLEANUP_FREE char *evidence = path_join (t->folder, id);

  (void)!folder_make (evidence, 0700, NULL);
  json_put_str (disk, "path", full);
  json_put_str (disk, "trust_domain", domain);
  json_put_str (work, "id", id);
  json_put_str (work, "mode", "undo"); /* needs no recipe */
  json_put (work, "disk", disk);
  json_put_str (work, "evidence", evidence);
  json_put_str (work, "isolation", isolation);
  talk_send (t, work);
}

static bool
is_it (const json_t *e, const char *event, const char *id)
{
  return strcmp (json_str (e, "event", ""), event) == 0 &&
         (id == NULL || strcmp (json_str (e, "id", ""), id) == 0);
}

size_t
talk_count (struct talk *t, const char *event, const char *id)
{
  size_t i, n = 0;
  json_t *e;

  json_array_foreach (t->events, i, e) n += is_it (e, event, id);
  return n;
}

json_t *
talk_event (struct talk *t, const char *event, const char *id)
{
  size_t i;
  json_t *e, *found = NULL;

  json_array_foreach (t->events, i, e) if (is_it (e, event, id)) found = e;
  return found;
}

const char *
talk_outcome (struct talk *t, const char *id)
{
  return json_str (talk_event (t, "result", id), "outcome", "none");
}

static void
listen_for (struct talk *t, int ms)
{
  struct pollfd fds[CHANNEL_MAX_FDS];
  json_t *event;

  (void)poll (fds, channel_fds (&t->ch, fds, true), ms);
  if (channel_io (&t->ch, NULL) == -1)
    return;
  while (channel_next (&t->ch, &event, NULL) == 1)
    json_array_append_new (t->events, event);
}

bool
talk_until (struct talk *t, const char *event, const char *id, size_t n)
{
  int64_t end = clock_now_ms (&real_clock) + PATIENCE_MS;

  while (talk_count (t, event, id) < n) {
    if (t->ch.ended || clock_now_ms (&real_clock) > end)
      return false;
    listen_for (t, 100);
  }
  return true;
}

int
talk_end (struct talk *t)
{
  int64_t end = clock_now_ms (&real_clock) + PATIENCE_MS;

  while (!t->ch.ended && clock_now_ms (&real_clock) < end)
    listen_for (t, 100);
  if (!t->dead) {
    if (!t->ch.ended)
      kill (t->child.pid, SIGKILL);
    while (waitpid (t->child.pid, &t->status, 0) == -1 && errno == EINTR)
      ;
    t->dead = true;
  }
  return WIFSIGNALED (t->status) ? 128 + WTERMSIG (t->status)
                                 : WEXITSTATUS (t->status);
}

char *
talk_log (struct talk *t)
{
  CLEANUP_FREE char *path = path_join (t->folder, "log");
  char *text = NULL;
  size_t len;

  if (file_read (path, 1 << 20, &text, &len, NULL) == -1)
    return xstrdup ("");
  return text;
}

bool
talk_qemu_left (struct talk *t, int64_t ms)
{
  int64_t end = clock_now_ms (&real_clock) + ms;
  CLEANUP_FREE char *log = talk_log (t);
  bool left;

  do {
    left = false;
    for (const char *p = log; (p = strstr (p, "qemu ")) != NULL; p += 5)
      left = left || kill (atoi (p + 5), 0) == 0;
    if (left)
      usleep (20000);
  } while (left && clock_now_ms (&real_clock) < end);
  return left;
}

void
talk_free (struct talk *t)
{
  channel_close_output (&t->ch);
  talk_end (t);
  channel_release (&t->ch);
  json_decref (t->events);
  (void)folder_remove (t->folder, NULL);
  free (t->folder);
  free (t);
}
