/* A conversation with one agent (bootmend-agent), for use in a poll loop: a
 * child process of ours, or `ssh HOST bootmend-agent`.  Nothing here blocks.
 *
 *   link = agent_link_start (argv, &err);      // or agent_link_start_local
 *   n = agent_link_fds (link, fds, max);  poll (fds, n, ...);
 *   while ((r = agent_link_step (link, &event, &err)) == 1) ...
 *   agent_link_send (link, message, &err);
 */

#ifndef BOOTMEND_AGENT_LINK_H
#define BOOTMEND_AGENT_LINK_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>

struct agent_link;

struct agent_link *agent_link_start (const char *const *argv,
                                     struct err **err) ATTR_USE;
/* One on another machine, over ssh; `spec` as in agent-ssh.h. */
struct agent_link *agent_link_start_ssh (const json_t *spec,
                                         struct err **err) ATTR_USE;
/* What $BOOTMEND_AGENT names, or else the bootmend-agent beside the running
 * program, in BOOTMEND_BINDIR, or in PATH, in this order: its path, or the bare
 * name for PATH. */
char *agent_link_local_program (void);
struct agent_link *agent_link_start_local (struct err **err) ATTR_USE;

/* Fills in what to wait for; returns how many. */
size_t agent_link_fds (const struct agent_link *link, struct pollfd *fds,
                       size_t max);

/* Does the pending I/O.  1: *event is one (owned by the caller); 0: nothing
 * now; -1: the agent is gone or speaks garbage, with the reason incl. its exit
 * status and its last line on stderr (ERR_PROTOCOL for another protocol;
 * ERR_UNREACHABLE for one over ssh). */
int agent_link_step (struct agent_link *link, json_t **event,
                     struct err **err) ATTR_USE;

/* For how long nothing has come or gone; a slow link takes its time to carry
 * the agent over. */
int64_t agent_link_quiet_ms (const struct agent_link *link);

/* Waits for its hello, at most limit_ms without any sign of life; what comes
 * with it is dropped.  -1: there is none, or not one of our protocol. */
int agent_link_await_hello (struct agent_link *link, int64_t limit_ms,
                            struct err **err) ATTR_USE;

/* True once its hello has been read and is of our protocol. */
bool agent_link_is_up (const struct agent_link *link);

/* Queues a message (borrowed); it is written when the agent reads. */
int agent_link_send (struct agent_link *link, const json_t *message,
                     struct err **err) ATTR_USE;

/* Ends the conversation and frees link.  It blocks until the agent has ended:
 * at once if it has nothing to do; one that is writing a disk gets the time
 * for it (PROTOCOL_STOP_GRACE_MS), and only then is it killed. */
void agent_link_stop (struct agent_link *link);

#endif
