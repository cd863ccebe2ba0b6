/* A conversation with the fake agent, for tests. */

#ifndef BOOTMEND_TALK_H
#define BOOTMEND_TALK_H

#include <base/command.h>
#include <protocol/channel.h>

struct talk {
  struct child child;
  struct channel ch;
  json_t *events; /* array: all that were heard */
  char *folder;   /* scratch, log and evidence are in it */
  bool dead;
  int status; /* of the agent, once it has ended */
};

/* Starts the fake agent with options (up to a NULL). */
struct talk *talk_start (const char *const *options);
/* Sends {request: work, ...} for "/fake/PATH"; domain NULL: not said. */
void talk_work (struct talk *t, const char *id, const char *path,
                const char *domain, const char *isolation);
void talk_send (struct talk *t, json_t *request_taken);
/* Listens until there are `n` events of the kind (with this id, if not NULL),
 * the agent has ended, or 20 s are over.  True: they are there. */
bool talk_until (struct talk *t, const char *event, const char *id, size_t n);
/* The last such event; NULL: none. */
json_t *talk_event (struct talk *t, const char *event, const char *id);
size_t talk_count (struct talk *t, const char *event, const char *id);
/* Outcome of the result of a work. */
const char *talk_outcome (struct talk *t, const char *id);
/* Waits for the agent's end; its exit status, or 128 + signal. */
int talk_end (struct talk *t);
/* The fake's log. */
char *talk_log (struct talk *t);
/* Is any of the processes that stand for QEMU alive after `ms`? */
bool talk_qemu_left (struct talk *t, int64_t ms);
void talk_free (struct talk *t);

#endif
