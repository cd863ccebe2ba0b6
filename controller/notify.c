#include "notify.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <base/clock.h>
#include <base/command.h>
#include <base/secret.h>
#include <net/curl-transport.h>
#include <net/fetch.h>

/* More than this waits nowhere: the oldest are dropped, and that is said. */
#define MOST_WAITING     100
#define PROGRAM_LIMIT_MS 30000
#define WEBHOOK_LIMIT_MS 20000
#define ATTEMPT_LIMIT_MS 8000
#define MAX_URL_BYTES    8192
#define MAX_REPLY_BYTES  65536

struct message {
  const char *event;
  char *campaign;
  char *text;
};
DEFINE_VEC (struct message, message_vec);

struct target {
  struct notify *notify;
  char *shown; /* for people */
  char *program;
  struct secret *url;
  char *ca_file;
  pthread_t thread;
  /* Below: under notify->lock. */
  struct message_vec waiting;
  bool busy, over;
};

struct notify {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  struct target *targets;
  size_t n;
  bool stopping;
  struct str_vec complaints;
  unsigned users; /* this, and each thread: the last one frees */
};

/* --- words -----------------------------------------------------------------
 */

/* "https://hooks.example.com/..." */
static char *
shown_url (const char *url)
{
  const char *start = strstr (url, "://");
  size_t len = start ? (size_t)(start - url) + 3 : 0;
  const char *host = url + len;
  const char *at;

  len = strcspn (host, "/?#");
  at = memchr (host, '@', len);
  if (at) {
    len -= (size_t)(at + 1 - host);
    host = at + 1;
  }
  return xasprintf ("%.*s%.*s/...", start ? (int)(start - url) + 3 : 0, url,
                    (int)len, host);
}

json_t *
notify_mask_words (const json_t *words)
{
  static const char option[] = "--webhook";
  json_t *masked = json_array ();
  bool next = false;
  json_t *item;
  size_t i;

  json_array_foreach (words, i, item)
  {
    const char *word = json_string_value (item);
    bool own = word && strncmp (word, "--webhook=", sizeof option) == 0;
    const char *url = own ? word + sizeof option : word;

    if (word && (own || next) && *url != '@') {
      CLEANUP_FREE char *shown = shown_url (url);
      CLEANUP_FREE char *text =
          own ? xasprintf ("%s=%s", option, shown) : xstrdup (shown);
      json_t *string = json_string (text);

      json_array_append_new (masked, string ? string : json_string ("..."));
    } else
      json_array_append (masked, item);
    next = word && strcmp (word, option) == 0;
  }
  return masked;
}

/* --- delivering ------------------------------------------------------------
 */

static int
run_program (const struct target *target, const struct message *message,
             struct err **err)
{
  CLEANUP_COMMAND struct command_result result = {0};
  CLEANUP_FREE char *event = xasprintf ("BOOTMEND_EVENT=%s", message->event);
  CLEANUP_FREE char *campaign =
      xasprintf ("BOOTMEND_CAMPAIGN=%s", message->campaign);
  const char *argv[] = {"env", "--", event, campaign, target->program, NULL};

  return command_run_ok (argv, message->text, PROGRAM_LIMIT_MS, 1 << 20,
                         &result, err);
}

static int
post (struct transport *transport, const struct target *target,
      const struct message *message, struct err **err)
{
  const struct fetch_options options = {.total_ms = WEBHOOK_LIMIT_MS};
  CLEANUP_FETCHED struct fetched got = {0};
  CLEANUP_HTTP_REQUEST struct http_request request = {
      .method = xstrdup ("POST"),
      .url = xstrdup (target->url->data),
      .body = xstrdup (message->text),
      .body_len = strlen (message->text),
      /* Twice is better than never; `at` and `event` tell copies. */
      .repeatable = true,
      .deadline_ms = ATTEMPT_LIMIT_MS,
      .max_reply_bytes = MAX_REPLY_BYTES,
  };

  http_header_add (&request.headers, "Content-Type", "application/json");
  if (fetch (transport, &request, NULL, &options, &got, err) == -1)
    return -1;
  if (got.reply.status / 100 == 2)
    return 0;
  return err_set (err, ERR_TRANSIENT, "answers with HTTP %d", got.reply.status);
}

static int
post_once (const struct target *target, const struct message *message,
           struct err **err)
{
  const struct transport_options options = {.ca_file = target->ca_file,
                                            .max_in_flight = 1};
  struct transport *transport = curl_transport_new (&options, err);
  int r;

  if (transport == NULL)
    return -1;
  r = post (transport, target, message, err);
  transport_free (transport);
  return r;
}

static void
message_release (struct message *message)
{
  free (message->campaign);
  free (message->text);
}

/* Under the lock. */
static void
complain (struct notify *n, const struct target *target, const char *event,
          const char *why)
{
  str_vec_push (&n->complaints, xasprintf ("%s: \"%s\" was not delivered: %s",
                                           target->shown, event, why));
}

/* Under the lock; the caller does not hold it afterwards. */
static void
unlock_and_leave (struct notify *n)
{
  bool last = --n->users == 0;

  pthread_cond_broadcast (&n->changed);
  pthread_mutex_unlock (&n->lock);
  if (!last)
    return;
  for (size_t i = 0; i < n->n; i++) {
    struct target *target = &n->targets[i];

    for (size_t j = 0; j < target->waiting.len; j++)
      message_release (&target->waiting.ptr[j]);
    message_vec_release (&target->waiting);
    free (target->shown);
    free (target->program);
    free (target->ca_file);
    secret_free (target->url);
  }
  free (n->targets);
  str_vec_free_all (&n->complaints);
  pthread_cond_destroy (&n->changed);
  pthread_mutex_destroy (&n->lock);
  free (n);
}

static void *
deliver (void *opaque)
{
  struct target *target = opaque;
  struct notify *n = target->notify;

  pthread_mutex_lock (&n->lock);
  for (;;) {
    CLEANUP_ERR struct err *err = NULL;
    struct message message;
    int r;

    while (target->waiting.len == 0 && !n->stopping)
      pthread_cond_wait (&n->changed, &n->lock);
    if (target->waiting.len == 0 || target->over)
      break;
    message = message_vec_remove (&target->waiting, 0);
    target->busy = true;
    pthread_mutex_unlock (&n->lock);
    r = (target->program ? run_program : post_once) (target, &message, &err);
    pthread_mutex_lock (&n->lock);
    target->busy = false;
    if (r == -1 && !target->over)
      complain (n, target, message.event, err->msg);
    message_release (&message);
    pthread_cond_broadcast (&n->changed);
  }
  unlock_and_leave (n);
  return NULL;
}

/* --- targets ---------------------------------------------------------------
 */

static int
make_program (struct target *target, const char *name, struct err **err)
{
  if (command_check (name, err) == -1)
    return err_wrap (err, "--notify-command");
  target->program = xstrdup (name);
  target->shown = xasprintf ("--notify-command %s", name);
  return 0;
}

static int
check_url (const struct target *target, struct err **err)
{
  const char *url = target->url->data;

  if (strncmp (url, "https://", 8) == 0 || strncmp (url, "http://", 7) == 0)
    return 0;
  return err_set (err, ERR_USAGE, "%s: is no http:// or https:// address",
                  target->shown);
}

static int
make_webhook (struct target *target, const char *text, const char *ca_file,
              struct err **err)
{
  if (*text == '@') {
    target->shown = xasprintf ("--webhook %s", text);
    target->url = secret_read_file (text + 1, MAX_URL_BYTES, err);
    if (target->url == NULL)
      return err_wrap (err, "--webhook");
    target->url->data[strcspn (target->url->data, " \t\r\n")] = '\0';
  } else {
    CLEANUP_FREE char *shown = shown_url (text);

    target->shown = xasprintf ("--webhook %s", shown);
    target->url = secret_new (text, strlen (text));
  }
  target->ca_file = ca_file ? xstrdup (ca_file) : NULL;
  return check_url (target, err);
}

static int
start (struct notify *n)
{
  for (size_t i = 0; i < n->n; i++) {
    n->targets[i].notify = n;
    n->users++;
    if (pthread_create (&n->targets[i].thread, NULL, deliver, &n->targets[i]) !=
        0)
      abort (); /* like memory that is not there */
    pthread_detach (n->targets[i].thread);
  }
  return 0;
}

struct notify *
notify_new (const struct notify_targets *targets, struct err **err)
{
  size_t most = targets->programs->len + targets->webhooks->len;
  struct notify *n;
  int r = 0;

  if (most == 0)
    return NULL;
  n = xcalloc (1, sizeof *n);
  n->users = 1;
  pthread_mutex_init (&n->lock, NULL);
  pthread_cond_init (&n->changed, NULL);
  n->targets = xcalloc (most, sizeof *n->targets);
  for (size_t i = 0; r == 0 && i < targets->programs->len; i++)
    r = make_program (&n->targets[n->n++], targets->programs->ptr[i], err);
  for (size_t i = 0; r == 0 && i < targets->webhooks->len; i++)
    r = make_webhook (&n->targets[n->n++], targets->webhooks->ptr[i],
                      targets->ca_file, err);
  if (r == 0)
    r = start (n);
  if (r == 0)
    return n;
  notify_free (n);
  return NULL;
}

/* --- messages --------------------------------------------------------------
 */

static char *
message_text (const char *event, const char *campaign, const json_t *detail)
{
  CLEANUP_FREE char *at = time_format_ms (clock_wall_ms (&real_clock));
  char host[256] = "";
  CLEANUP_JSON json_t *json =
      json_make ("{s:i,s:s,s:s,s:s,s:s}", "bootmend", 1, "kind", "notification",
                 "event", event, "campaign", campaign, "at", at);

  gethostname (host, sizeof host - 1);
  json_put_str (json, "host", host);
  json_object_update_missing (json, (json_t *)detail);
  return json_text (json);
}

void
notify_send (struct notify *n, const char *event, const char *campaign,
             json_t *detail_taken)
{
  CLEANUP_JSON json_t *detail = detail_taken;
  CLEANUP_FREE char *text = NULL;

  if (n == NULL)
    return;
  text = message_text (event, campaign, detail);
  pthread_mutex_lock (&n->lock);
  for (size_t i = 0; i < n->n; i++) {
    struct target *target = &n->targets[i];
    struct message message = {event, xstrdup (campaign), xstrdup (text)};

    if (target->waiting.len >= MOST_WAITING) {
      struct message oldest = message_vec_remove (&target->waiting, 0);

      complain (n, target, oldest.event, "too many wait behind one that hangs");
      message_release (&oldest);
    }
    message_vec_push (&target->waiting, message);
  }
  pthread_cond_broadcast (&n->changed);
  pthread_mutex_unlock (&n->lock);
}

char *
notify_complaint (struct notify *n)
{
  char *text = NULL;

  if (n == NULL)
    return NULL;
  pthread_mutex_lock (&n->lock);
  if (n->complaints.len)
    text = str_vec_remove (&n->complaints, 0);
  pthread_mutex_unlock (&n->lock);
  return text;
}

static bool
is_idle (const struct notify *n)
{
  for (size_t i = 0; i < n->n; i++)
    if (n->targets[i].busy || n->targets[i].waiting.len)
      return false;
  return true;
}

void
notify_end (struct notify *n, int64_t limit_ms)
{
  struct timespec until;

  if (n == NULL)
    return;
  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += limit_ms / 1000;
  until.tv_nsec += limit_ms % 1000 * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  pthread_mutex_lock (&n->lock);
  while (!is_idle (n) &&
         pthread_cond_timedwait (&n->changed, &n->lock, &until) != ETIMEDOUT)
    ;
  for (size_t i = 0; i < n->n; i++) {
    struct target *target = &n->targets[i];

    if (target->busy || target->waiting.len)
      complain (n, target, "the last message",
                "it hangs; no longer waited for");
    target->over = true;
  }
  n->stopping = true;
  pthread_cond_broadcast (&n->changed);
  pthread_mutex_unlock (&n->lock);
}

void
notify_free (struct notify *n)
{
  if (n == NULL)
    return;
  pthread_mutex_lock (&n->lock);
  for (size_t i = 0; i < n->n; i++)
    n->targets[i].over = true;
  n->stopping = true;
  unlock_and_leave (n);
}
