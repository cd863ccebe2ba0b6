/* The real world's agents: work for helpers, and what they answer.
 *
 * An agent is started when the first work for its helper comes, and again when
 * work comes after it died.  What it had not answered then ends with an error.
 */

#ifndef BOOTMEND_WORLD_AGENTS_H
#define BOOTMEND_WORLD_AGENTS_H

#include <poll.h>

#include <keys/key-desk.h>

#include "world.h"

struct world_agents;

/* config: as `agents` of world_real_new; borrowed. */
struct world_agents *world_agents_new (const json_t *config);
/* Ends them; blocks until they have let go of their disks. */
void world_agents_free (struct world_agents *all);

/* From now on agents may ask for keys here; takes the desk over. */
void world_agents_set_keys (struct world_agents *all, struct key_desk *desk);

/* As in struct world; submit does not take effect->in. */
void world_agents_submit (struct world_agents *all, struct effect *effect);
void world_agents_cancel (struct world_agents *all, uint64_t id);
void world_agents_allow (struct world_agents *all, uint64_t id);
bool world_agents_collect (struct world_agents *all,
                           struct completion *completion);
/* True if something can be collected without any I/O. */
bool world_agents_have (const struct world_agents *all);
size_t world_agents_fds (const struct world_agents *all, struct pollfd *fds,
                         size_t max);

/* Starts the agent of a helper, if it does not run, and waits for its hello. */
int world_agents_check (struct world_agents *all, const char *helper,
                        struct err **err) ATTR_USE;

/* Likewise, what its machine lacks. */
int world_agents_check_machine (struct world_agents *all, const char *helper,
                                const json_t *expect,
                                struct err **err) ATTR_USE;

#endif
