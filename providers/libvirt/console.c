#include "console.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <base/strbuf.h>
#include <base/vec.h>

#include "errors.h"

/* What is kept of one console: the newest part. */
#define KEEP_BYTES (256 * 1024)

struct console {
  char uuid[VIR_UUID_STRING_BUFLEN];
  int number;         /* tells one listening from the next */
  int domain_id;      /* tells one run of the domain from the next */
  bool ended;         /* nobody listens any more */
  struct strbuf text; /* its last byte is byte `heard` of the listening */
  int64_t heard;
};

DEFINE_VEC (struct console *, console_vec);

struct consoles {
  atomic_int refs; /* the session and each listening thread */
  pthread_mutex_t lock;
  int numbers;
  struct console_vec all; /* freed with the whole; one for each start */
};

struct listener {
  struct consoles *consoles;
  struct console *console;
  virConnectPtr conn;
  virStreamPtr stream;
};

struct consoles *
consoles_new (void)
{
  struct consoles *consoles = xcalloc (1, sizeof *consoles);

  atomic_init (&consoles->refs, 1);
  pthread_mutex_init (&consoles->lock, NULL);
  return consoles;
}

void
consoles_unref (struct consoles *consoles)
{
  if (consoles == NULL || atomic_fetch_sub (&consoles->refs, 1) > 1)
    return;
  for (size_t i = 0; i < consoles->all.len; i++) {
    strbuf_release (&consoles->all.ptr[i]->text);
    free (consoles->all.ptr[i]);
  }
  console_vec_release (&consoles->all);
  pthread_mutex_destroy (&consoles->lock);
  free (consoles);
}

static void
hear (struct listener *l, const char *bytes, size_t n)
{
  struct strbuf *text = &l->console->text;

  pthread_mutex_lock (&l->consoles->lock);
  strbuf_add (text, bytes, n);
  l->console->heard += (int64_t)n;
  if (text->len > 2 * KEEP_BYTES)
    strbuf_consume (text, text->len - KEEP_BYTES);
  pthread_mutex_unlock (&l->consoles->lock);
}

static void *
listen_thread (void *opaque)
{
  struct listener *l = opaque;
  char bytes[4096];
  int n;

  while ((n = virStreamRecv (l->stream, bytes, sizeof bytes)) > 0)
    hear (l, bytes, (size_t)n);
  virStreamAbort (l->stream);
  virStreamFree (l->stream);
  virConnectClose (l->conn);
  pthread_mutex_lock (&l->consoles->lock);
  l->console->ended = true;
  pthread_mutex_unlock (&l->consoles->lock);
  consoles_unref (l->consoles);
  free (l);
  return NULL;
}

/* The newest listening to a domain; with the lock held. */
static struct console *
newest (const struct consoles *consoles, const char *uuid)
{
  for (size_t i = consoles->all.len; i > 0; i--)
    if (strcmp (consoles->all.ptr[i - 1]->uuid, uuid) == 0)
      return consoles->all.ptr[i - 1];
  return NULL;
}

static int
start_listening (struct listener *l, struct err **err)
{
  pthread_attr_t attr;
  pthread_t thread;
  int failed;

  atomic_fetch_add (&l->consoles->refs, 1);
  pthread_attr_init (&attr);
  pthread_attr_setdetachstate (&attr, PTHREAD_CREATE_DETACHED);
  failed = pthread_create (&thread, &attr, listen_thread, l);
  pthread_attr_destroy (&attr);
  if (failed) {
    atomic_fetch_sub (&l->consoles->refs, 1);
    return err_set_errno (err, failed, "console: thread");
  }
  return 0;
}

static struct listener *
open_console (virConnectPtr conn, virDomainPtr dom, struct err **err)
{
  virStreamPtr stream = virStreamNew (conn, 0);
  struct listener *l;

  if (stream == NULL || virDomainOpenConsole (dom, NULL, stream, 0) == -1) {
    virt_err (err, "%s: console", virDomainGetName (dom));
    if (stream)
      virStreamFree (stream);
    return NULL;
  }
  l = xcalloc (1, sizeof *l);
  l->stream = stream;
  l->conn = conn;
  virConnectRef (conn);
  return l;
}

int
console_follow (struct consoles *consoles, virConnectPtr conn, virDomainPtr dom,
                struct err **err)
{
  char uuid[VIR_UUID_STRING_BUFLEN] = "";
  int id = (int)virDomainGetID (dom);
  const struct console *present;
  struct console *console;
  struct listener *l;
  bool listening;

  virDomainGetUUIDString (dom, uuid);
  pthread_mutex_lock (&consoles->lock);
  present = newest (consoles, uuid);
  listening = present && !present->ended && present->domain_id == id;
  pthread_mutex_unlock (&consoles->lock);
  if (listening)
    return 0;
  l = open_console (conn, dom, err);
  if (l == NULL)
    return -1;
  console = xcalloc (1, sizeof *console);
  memcpy (console->uuid, uuid, sizeof uuid);
  console->domain_id = id;
  l->console = console;
  l->consoles = consoles;
  pthread_mutex_lock (&consoles->lock);
  console->number = ++consoles->numbers;
  console_vec_push (&consoles->all, console);
  pthread_mutex_unlock (&consoles->lock);
  if (start_listening (l, err) == 0)
    return 0;
  console->ended = true;
  virStreamAbort (l->stream);
  virStreamFree (l->stream);
  virConnectClose (l->conn);
  free (l);
  return -1;
}

json_t *
console_read (struct consoles *consoles, const char *uuid, const json_t *after)
{
  json_t *out = json_object ();
  const struct console *console;
  int64_t offset = 0, number = 0, heard = 0;

  pthread_mutex_lock (&consoles->lock);
  console = newest (consoles, uuid);
  if (console) {
    size_t fresh = console->text.len;

    number = console->number;
    heard = console->heard;
    if (json_int (after, "console", -1) == number)
      offset = json_int (after, "offset", 0);
    if (offset > heard || offset < 0)
      offset = 0;
    if (heard - offset < (int64_t)fresh)
      fresh = (size_t)(heard - offset);
    if (fresh > KEEP_BYTES)
      fresh = KEEP_BYTES;
    put_console_text (out,
                      fresh ? console->text.buf + console->text.len - fresh
                            : "",
                      fresh);
  } else
    json_put_str (out, "text", "");
  pthread_mutex_unlock (&consoles->lock);
  json_put (out, "after",
            json_make ("{s:I, s:I}", "console", (json_int_t)number, "offset",
                       (json_int_t)heard));
  return out;
}

void
put_console_text (json_t *out, const char *text, size_t len)
{
  CLEANUP_STRBUF struct strbuf clean = STRBUF_EMPTY;
  json_t *string = json_stringn (text, len);

  if (string && memchr (text, '\0', len) == NULL) {
    json_put (out, "text", string);
    return;
  }
  json_decref (string);
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)text[i];

    if (c == 0 || c >= 0x80)
      strbuf_addf (&clean, "\\x%02x", c);
    else
      strbuf_addch (&clean, (char)c);
  }
  json_put_str (out, "text", clean.buf ? clean.buf : "");
}
