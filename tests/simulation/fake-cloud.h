/* A world in memory: VMs in one or more accounts of different providers, agents
 * and a clock, driven by a seed.
 *
 * Everything happens in events on a fake clock, so a campaign of hours takes
 * milliseconds and is the same each time.  A controller works at a struct
 * fake_desk, which is its struct world; there may be two of them.  Violations
 * of what must always hold are gathered in `violations`. */

#ifndef BOOTMEND_FAKE_CLOUD_H
#define BOOTMEND_FAKE_CLOUD_H

#include <base/clock.h>
#include <base/random.h>
#include <controller/helpers.h>
#include <controller/world.h>

#include "fake-vm.h"
#include "simulation.h"

struct fake_cloud;
DEFINE_VEC (struct completion, fake_done_vec);

/* An account of one of the providers, as the seed made it. */
struct fake_account {
  const struct sim_account *kind;
  const struct provider *provider;
  char name[16];
};

/* The clock on a controller's wall: its own, and it may be wrong. */
struct fake_wall {
  struct clock clock; /* first */
  struct fake_cloud *cloud;
  int64_t ahead_ms;
};

/* Where a controller works: its requests, and what comes back for it. */
struct fake_desk {
  struct world world; /* first */
  struct fake_cloud *cloud;
  size_t number;
  const char *campaign; /* as in marks */
  int64_t lease_ms;
  struct fake_wall wall;
  struct binding bindings[SIM_ACCOUNTS];
  struct fake_done_vec done;
  unsigned generation; /* of the controller */
  int64_t approved;    /* the last wave that the approval command approved */
  uint64_t submitted;
  /* Called for every request with an effect, before it does anything. */
  void (*check) (void *opaque, struct fake_vm *vm, const struct effect *effect);
  void *opaque;
};

struct fake_event {
  int64_t at_ms;
  uint64_t serial; /* events of the same time keep their order */
  void (*run) (struct fake_cloud *cloud, struct fake_event *event);
  struct fake_vm *vm;
  struct fake_disk *disk;
  uint64_t number; /* power change, work, ... */
  struct fake_desk *desk;
  unsigned generation;
  struct effect effect; /* owned */
  struct completion completion;
  int64_t reply_ms; /* how long the reply takes; -1: it is lost */
};
DEFINE_VEC (struct fake_event *, fake_event_vec);

/* An agent's work on a disk. */
struct fake_work {
  uint64_t number;
  uint64_t effect;
  struct fake_desk *desk;
  unsigned generation;
  struct fake_vm *vm;
  struct fake_disk *disk;
  bool undo, opened, cancelled, over, hangs;
  bool asks, allowed; /* on a helper: before it writes */
  int64_t limit_ms;
};
DEFINE_VEC (struct fake_work *, fake_work_vec);

struct fake_cloud {
  struct fake_clock clock; /* the services' own time */
  struct random_source random;
  const struct sim_config *config;
  struct fake_account accounts[SIM_ACCOUNTS];
  char region[1]; /* "" */
  struct fake_desk desks[FAKE_DESKS];
  size_t n_desks;
  struct fake_vm *vms;
  size_t n_vms;
  struct fake_event_vec events; /* a heap */
  struct fake_work_vec works;
  uint64_t serial;
  int64_t outage_from_ms, outage_to_ms;
  const struct fake_account *outage_of; /* NULL: of all */
  enum err_code outage_code;
  bool calm; /* no more faults */
  struct str_vec violations;
  uint64_t checked[SIM_PROMISES];
};

void fake_cloud_init (struct fake_cloud *cloud,
                      const struct sim_config *config);
void fake_cloud_release (struct fake_cloud *cloud);
/* A place for one more controller of this campaign. */
struct fake_desk *fake_desk_add (struct fake_cloud *cloud,
                                 const char *campaign);
/* The controller is gone: nobody reads replies, its agents stop. */
void fake_desk_kill (struct fake_desk *desk);
/* Lets time pass without a controller. */
void fake_cloud_pass (struct fake_cloud *cloud, int64_t ms);
/* Lets it pass until something has come for a controller, or a time. */
void fake_cloud_wait (struct fake_cloud *cloud, int64_t until_ms);
struct fake_vm *fake_cloud_vm (struct fake_cloud *cloud, const char *id);

void fake_violation (struct fake_cloud *cloud, const struct fake_vm *vm,
                     const char *fmt, ...) ATTR_PRINTF (3, 4);
/* It could have been broken here. */
static inline void
fake_checked (struct fake_cloud *cloud, enum sim_promise promise)
{
  cloud->checked[promise]++;
}
void fake_trace (struct fake_cloud *cloud, const char *fmt, ...)
    ATTR_PRINTF (2, 3);

int64_t fake_now (const struct fake_cloud *cloud);
/* From least to most, evenly. */
int64_t fake_between (struct fake_cloud *cloud, int64_t least, int64_t most);
/* True in `permille` of the cases. */
bool fake_chance (struct fake_cloud *cloud, unsigned permille);
/* The same for faults: never once the cloud is calm. */
bool fake_fault (struct fake_cloud *cloud, unsigned permille);

struct fake_event *fake_event_add (struct fake_cloud *cloud, int64_t in_ms,
                                   void (*run) (struct fake_cloud *cloud,
                                                struct fake_event *event),
                                   struct fake_vm *vm);
/* Delivers a completion to the controller of a generation, if it still lives.
 */
void fake_deliver (struct fake_desk *desk, unsigned generation,
                   struct completion completion);

/* fake-provider.c */
const struct provider *fake_provider (const struct sim_account *kind);
const struct fake_account *fake_account_of (const struct fake_desk *desk,
                                            const struct effect *effect);
/* The one VM or disk that a request is about; NULL: several. */
const char *fake_id_in (const json_t *in);
/* Does what a request wants, and says what comes back. */
json_t *fake_answer (struct fake_desk *desk, const struct effect *effect,
                     struct err **err);
/* fake-requests.c */
void fake_op_submit (struct fake_desk *desk, struct effect effect);
bool fake_healthy_answer (const struct fake_vm *vm);

/* fake-disk.c */
const char *fake_zone (const struct fake_vm *vm);
struct helpers *fake_helpers_new (struct fake_desk *desk);
/* A new disk of the VM, of this content; "" as id: one is made up. */
struct fake_disk *fake_disk_new (struct fake_vm *vm, const char *id,
                                 const struct fake_content *content);
void fake_disk_release (struct fake_disk *disk);
void fake_disk_changed (struct fake_disk *disk);
struct fake_disk *fake_disk_of (struct fake_vm *vm, const char *id);
/* What a look shows of a disk, a snapshot or a task; NULL: there is none. */
json_t *fake_disk_at (struct fake_vm *vm, const char *id, int64_t at_ms);
/* Attached to this, "" for nothing, and not on its way? */
bool fake_disk_is_at (const struct fake_disk *disk, const char *place);
bool fake_disk_on_helper (const struct fake_disk *disk);
/* NULL, or why not. */
struct err *fake_disk_change (struct fake_vm *vm, enum op_id op,
                              const json_t *in);
struct err *fake_swap (struct fake_vm *vm, const json_t *in, json_t **out);
/* fake-made.c */
struct err *fake_make (struct fake_vm *vm, enum op_id op, const json_t *in,
                       json_t **out);
/* Older ones, that others made; some VMs have none. */
void fake_snapshots_init (struct fake_vm *vm);
json_t *fake_snapshots (const struct fake_vm *vm);
json_t *fake_find_created (struct fake_cloud *cloud,
                           const struct fake_account *account);

/* fake-rival.c */
void fake_rival_comes (struct fake_cloud *cloud, struct fake_vm *vm,
                       int64_t in_ms);
void fake_rival_takes_over (struct fake_cloud *cloud, struct fake_vm *vm);

/* fake-agent.c */
void fake_work_submit (struct fake_desk *desk, struct effect effect);
void fake_work_cancel (struct fake_desk *desk, uint64_t effect);
void fake_work_allow (struct fake_desk *desk, uint64_t effect);
void fake_works_abandon (struct fake_desk *desk);

#endif
