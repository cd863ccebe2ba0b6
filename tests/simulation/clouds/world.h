/* A world in memory for providers that speak HTTP: the real calls of the
 * controller (http-calls.h: queues, limits, retry, the providers' own rows) go
 * through a transport in memory into the fake clouds (tests/fake-cloud); agents
 * are simulated; the clock is a fake one.  Everything follows from a seed.
 *
 * What happens to requests on their way (struct sim_faults) is drawn here: they
 * are lost before or after their effect, take effect late, or twice.  What the
 * cloud itself does wrong (throttling, 5xx, changes that hang or fail) are
 * rules of the fake cloud, which the fleets put into its configuration.
 *
 * What must always hold is watched here and in checks.c; what does not is
 * gathered in `violations`. */

#ifndef BOOTMEND_SIM_WORLD_H
#define BOOTMEND_SIM_WORLD_H

#include <base/random.h>
#include <controller/http-calls.h>
#include <fake-cloud/fake-cloud.h>
#include <net/limiter.h>

#include "events.h"
#include "fleet.h"

DEFINE_VEC (struct completion, sim_done_vec);

/* Chances in permille; of each request, or as said. */
struct sim_faults {
  unsigned unreachable; /* it never gets there */
  unsigned lost;        /* it took effect, and no reply comes */
  unsigned late;        /* the same, and it takes effect only later */
  unsigned twice;       /* it arrives twice */
  unsigned agent_crash, agent_hang, agent_error; /* of works */
  unsigned helper_death;                         /* of campaigns */
  unsigned expiry;                               /* of campaigns */
};

/* What the repair of a disk on a helper takes. */
struct sim_agent_times {
  int64_t queue_ms[2];  /* until an appliance has it */
  int64_t repair_ms[2]; /* with it open */
};

struct sim_work;
DEFINE_VEC (struct sim_work *, sim_work_vec);

struct sim_call_count {
  char *action;
  uint64_t calls, throttled, failed;
};
DEFINE_VEC (struct sim_call_count, sim_call_count_vec);

struct sim_world {
  struct world world; /* first */
  struct fake_clock clock;
  struct random_source random;
  struct sim_events events;
  bool verbose;

  struct fake_cloud *cloud;
  const struct fleet_kind *kind;
  struct sim_faults faults;
  struct sim_agent_times agent_times;
  bool calm; /* no more faults */

  /* Of one life of the controller. */
  struct limiter *limiter;
  struct transport *transport;
  struct http_calls *calls;
  unsigned generation;
  struct sim_done_vec done;

  /* Keys: a service takes only the newest. */
  unsigned valid_key, held_key;
  char key_id[24];
  bool renewing;
  int64_t renewed_wall_ms;

  /* Agents. */
  struct sim_work_vec works;
  json_t *evidence; /* disk -> {kept, committed, before} */
  json_t *dead;     /* helpers that can't be reached: name -> until when */
  json_t *troubles; /* disk -> how many works on it went wrong */
  json_t *held;     /* disk -> number of the work that has it open */
  uint64_t serial;

  struct sim_call_count_vec counts;
  double cloud_cpu_s; /* what the fake cloud itself took */
  struct str_vec violations;
  /* Asked before a request is sent; may be NULL. */
  void (*check) (void *opaque, const struct effect *effect);
  void *opaque;
};

/* config: of the fake cloud. */
void sim_world_init (struct sim_world *world, const struct fleet_kind *kind,
                     const json_t *config, uint64_t seed);
void sim_world_release (struct sim_world *world);
/* A controller begins, and ends: nobody reads replies any more, its agents
 * stop at a safe point. */
void sim_world_begin_life (struct sim_world *world);
void sim_world_end_life (struct sim_world *world);
/* From now on these rules of the fake cloud hold. */
void sim_world_set_faults (struct sim_world *world, const json_t *rules);
/* From now on nothing goes wrong. */
void sim_world_calm (struct sim_world *world);
/* The keys that are in use are refused from now on. */
void sim_keys_expire (struct sim_world *world);
/* Lets time pass without a controller. */
void sim_world_pass (struct sim_world *world, int64_t ms);

int64_t sim_now (const struct sim_world *world);
int64_t sim_between (struct sim_world *world, int64_t least, int64_t most);
/* What a table has for this id, which may have dots; 0: nothing. */
int64_t sim_number (const json_t *table, const char *id);
bool sim_chance (struct sim_world *world, unsigned permille);
/* The same for faults: never once the world is calm. */
bool sim_fault (struct sim_world *world, unsigned permille);
void sim_trace (struct sim_world *world, const char *fmt, ...)
    ATTR_PRINTF (2, 3);
void sim_violation (struct sim_world *world, const char *fmt, ...)
    ATTR_PRINTF (2, 3);

/* agents.c */
void sim_work_submit (struct sim_world *world, struct effect effect);
void sim_work_allow (struct sim_world *world, uint64_t id);
/* This helper is gone, with all that its agent had in hand; for so long. */
void sim_helper_dies (struct sim_world *world, const char *helper, int64_t ms);
void sim_work_cancel (struct sim_world *world, uint64_t id);
void sim_works_abandon (struct sim_world *world);
void sim_works_release (struct sim_world *world);

#endif
