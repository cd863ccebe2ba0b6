/* The real world: worker threads for provider calls and probes, agents for
 * work on disks, the machine's clocks. */

#ifndef BOOTMEND_WORLD_REAL_H
#define BOOTMEND_WORLD_REAL_H

#include <keys/key-desk.h>

#include "world.h"

struct world_real;

/* http: as world_http_new; NULL: none is set.
 * agents: {helper name: [argv of its agent], or {ssh: as in agent-ssh.h}};
 * "local" is an agent on this machine unless it is given.  Borrowed.
 *
 * Work whose helper can't be reached (any more) ends with ERR_UNREACHABLE,
 * unless the helper is "local". */
struct world_real *world_real_new (const json_t *agents, const json_t *http);
/* False: a thread hangs in a call and may still use its binding (pool.h). */
bool world_real_free (struct world_real *real);
struct world *world_real_world (struct world_real *real);

/* Starts the agent of a helper and waits for its first word, so that a missing
 * or foreign agent is found before any VM is touched. */
int world_real_check_agent (struct world_real *real, const char *helper,
                            struct err **err) ATTR_USE;

/* What earlier runs of the same campaign called: figures go on from there. */
void world_real_set_earlier (struct world_real *real, json_t *figures_taken);

/* Asks that agent what its machine lacks; ERR_USAGE names it.  Only of agents
 * on other machines.  `expect`: what its provider expects of it
 * (helper_expect), or NULL. */
int world_real_check_machine (struct world_real *real, const char *helper,
                              const json_t *expect, struct err **err) ATTR_USE;

/* Where agents get the keys of encrypted disks; takes the desk over.  Before
 * the first agent is started. */
void world_real_set_keys (struct world_real *real, struct key_desk *desk);

/* No effect will name this binding again.  It must live until the world ends: a
 * thread may still look for its credentials. */
void world_real_forget (struct world_real *real, const struct binding *binding);

/* wait () returns early when this descriptor is readable (a signal's pipe). */
void world_real_set_wakeup (struct world_real *real, int fd);

#endif
