/* Notifications: a campaign says what becomes of it, to programs and webhooks.
 *
 *   n = notify_new (&targets, &err);
 *   notify_send (n, "campaign-begun", id, detail);   // never waits
 *   while ((text = notify_complaint (n))) log_warn (...);
 *   notify_end (n, 5000);
 *
 * Each target has a thread and a queue of its own: one that hangs delays
 * neither the repair nor the other targets, only its own messages, and after a
 * time is given up.  A message is one JSON object:
 *
 *   { bootmend: 1, kind: "notification", event, campaign, at, host, ...detail }
 *
 * A program gets it on stdin, and event and campaign as BOOTMEND_EVENT and
 * BOOTMEND_CAMPAIGN; a webhook gets it as the body of a POST.
 *
 * The URL of a webhook is often all that is needed to use it: messages and
 * histories show only its host. */

#ifndef BOOTMEND_NOTIFY_H
#define BOOTMEND_NOTIFY_H

#include <base/json.h>
#include <base/vec.h>

struct notify;

struct notify_targets {
  const struct str_vec *programs; /* paths, or names looked up in PATH */
  const struct str_vec *webhooks; /* https://..., or @FILE that holds one */
  const char *ca_file;            /* for webhooks; NULL: none */
};

/* NULL and no error where there is no target: all functions take that.
 * ERR_USAGE names a target that can't be one. */
struct notify *notify_new (const struct notify_targets *targets,
                           struct err **err);

/* event is a static string.  detail (taken; NULL: none) is merged in. */
void notify_send (struct notify *n, const char *event, const char *campaign,
                  json_t *detail_taken);

/* What could not be delivered since the last call, for people; NULL: nothing
 * more.  To be freed. */
char *notify_complaint (struct notify *n);

/* Waits at most limit_ms until all is delivered.  What still isn't becomes a
 * complaint; ask before notify_free. */
void notify_end (struct notify *n, int64_t limit_ms);
void notify_free (struct notify *n);

/* The words of a command line without what only the operator should know: a
 * new array. */
json_t *notify_mask_words (const json_t *words);

#endif
