/* The desk where agents' questions for keys are answered, for a poll loop:
 * sources may take their time (a directory, a program), so they are asked by
 * threads.
 *
 *   desk = key_desk_new (sources);
 *   work.keys = true (key_desk_any), and for each event "keys" of an agent:
 *   key_desk_ask (desk, agent, event, vm id, vm name);
 *   poll for key_desk_fd, then
 *   while (key_desk_collect (desk, &reply)) send reply.message to reply.agent
 */

#ifndef BOOTMEND_KEY_DESK_H
#define BOOTMEND_KEY_DESK_H

#include "keys.h"

struct key_desk;

struct key_reply {
  char *agent;     /* as given to key_desk_ask */
  json_t *message; /* the request "keys" of protocol/protocol.h */
};

/* Takes the sources over. */
struct key_desk *key_desk_new (struct key_sources *sources);
/* Waits a moment for who is being asked. */
void key_desk_free (struct key_desk *desk);
#define CLEANUP_KEY_DESK CLEANUP (cleanup_key_desk)
void cleanup_key_desk (struct key_desk **desk);

/* Always an answer, if only that there is no key; a NULL desk has none. */
void key_desk_ask (struct key_desk *desk, const char *agent,
                   const json_t *event, const char *vm_id, const char *vm_name);
bool key_desk_collect (struct key_desk *desk, struct key_reply *reply);
void key_reply_release (struct key_reply *reply);
/* Readable when something can be collected; -1: no desk. */
int key_desk_fd (const struct key_desk *desk);

#endif
