/* The ground truth about one simulated VM: its power, what is on its disk, who
 * has it in hand.  Only fake-*.c change it; the engine sees what describe
 * says. */

#ifndef BOOTMEND_FAKE_VM_H
#define BOOTMEND_FAKE_VM_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>
#include <base/strbuf.h>
#include <base/vec.h>

struct fake_account;
struct fake_cloud;

/* What is on the OS disk, as far as recipes and boot care. */
struct fake_content {
  bool bad_file;    /* what the recipe removes; the guest crashes with it */
  bool boot_file;   /* without it nothing boots */
  bool hibernated;  /* the agent refuses */
  bool several_os;  /* likewise */
  unsigned version; /* anything else: changes when somebody else writes */
};
bool fake_content_boots (const struct fake_content *content);
bool fake_content_equal (const struct fake_content *a,
                         const struct fake_content *b);

/* What an agent keeps in the evidence folder of this VM's job. */
struct fake_evidence {
  bool kept, committed;
  struct fake_content before;
};

enum fake_power {
  FAKE_OFF,
  FAKE_STARTING,
  FAKE_ON,
  FAKE_STOPPING
};

/* A record as it was from some time on: describes may show older ones. */
struct fake_shown {
  int64_t at_ms;
  json_t *record;
};
DEFINE_VEC (struct fake_shown, shown_vec);

/* A disk: the VM's own (the first of its disks), or a copy. */
struct fake_disk {
  struct fake_vm *vm;
  char id[32];
  struct fake_content content;
  char at[24], slot[24]; /* what it is attached to; "" */
  bool moving, leaving;  /* on its way there, or away */
  bool busy;             /* still being made */
  bool keeps;            /* an attribute that an attach resets */
  bool tagged;           /* as kept */
  struct shown_vec shown;
  uint64_t held_by; /* number of the agent's work; 0: nobody */
};
#define FAKE_DISKS 6

/* What was made with a token: a snapshot (with its content) or a disk. */
struct fake_made {
  bool snapshot;
  char id[32], token[64];
  int64_t made_ms, ready_ms;
  struct fake_content content;
};
#define FAKE_MADE 12

/* What one controller did with a VM, and has of it. */
struct fake_view {
  unsigned sent[2][32]; /* requests with an effect: direction, step */
  char last_shown[16];  /* power in the last describe that was delivered */
  bool in_hands;        /* from its first change to its unmark */
  bool touched;         /* it has changed something */
  bool stopped;         /* the last stop was its */
  int64_t marked_ms;    /* when its mark was last written */
  struct fake_evidence evidence;
};
#define FAKE_DESKS 2

struct fake_vm {
  struct fake_cloud *cloud;
  const struct fake_account *account;
  size_t index; /* the job's id is index + 1 */
  char id[24], name[24];
  bool exists;

  enum fake_power power;
  uint64_t power_change; /* serial number: an overtaken transition is void */
  int64_t on_since_ms;
  bool shows_stopping; /* false: "running" while it shuts down (libvirt) */
  bool shutting_down;
  bool forgetful;              /* a stop loses an attribute */
  char role[24];               /* its group */
  bool healed;                 /* boots although its content is bad */
  bool healed_by_itself;       /* before anything was done to it */
  unsigned heals_after_starts; /* 0: never */
  bool rival_owns;             /* the second controller is at work on it */
  int64_t rival_since_ms;
  struct fake_view by[FAKE_DESKS];
  json_t *attributes;
  char mark[24], mark_since[40];
  struct fake_disk disks[FAKE_DISKS];
  size_t n_disks;
  struct fake_made made[FAKE_MADE];
  size_t n_made;
  int64_t task_ms; /* a swap in one call ends then */
  unsigned tasks;
  struct strbuf log;
  int64_t log_until_ms; /* the log is written up to here */
  struct shown_vec shown;

  /* As it was when the campaign began. */
  struct fake_content first_content;
  bool first_on;
  json_t *first_attributes;

  /* What explains an outcome. */
  unsigned refused_ops; /* bits 1 << op: never work for this VM */
  bool work_fails;      /* the agent never gets through with this disk */
  bool others;          /* somebody else changed it */
  bool unanswered;      /* a reply came very late or never */
  unsigned fell;        /* starts that fell back to stopped */
  unsigned look_errors; /* questions about its health that failed */
  unsigned work_errors; /* failed works */
  unsigned errors;      /* injected errors of all kinds */
  unsigned changes;     /* requests of ours that took effect */
};

/* True while any controller of ours has it in hand. */
bool fake_is_in_hands (const struct fake_vm *vm);
/* The disk that it boots from; NULL: none is attached. */
struct fake_disk *fake_root (struct fake_vm *vm);
/* ... and its own if there is none: what was on it last. */
struct fake_content *fake_content_of (struct fake_vm *vm);
/* True if an agent has a disk that it may boot from. */
bool fake_is_held (const struct fake_vm *vm);
const char *fake_power_name (const struct fake_vm *vm);
/* Notes the present state as what describes show from now on. */
void fake_vm_changed (struct fake_vm *vm);
/* The record as it was at a time; new reference. */
json_t *fake_vm_record_at (struct fake_vm *vm, int64_t at_ms);
/* Writes the serial log up to now. */
void fake_vm_run (struct fake_vm *vm);
/* True if the guest is up and healthy now. */
bool fake_vm_is_up (const struct fake_vm *vm);
void fake_vm_start (struct fake_vm *vm);
void fake_vm_stop (struct fake_vm *vm, bool force);
/* Somebody else, or fate, switches it at once. */
bool fake_vm_boots (const struct fake_vm *vm);
/* It comes up without a change of its disk. */
void fake_vm_heal (struct fake_vm *vm);
/* Chance, just when we begin with it. */
void fake_vm_may_heal (struct fake_vm *vm);
void fake_vm_switch (struct fake_vm *vm, bool on);
void fake_vm_release (struct fake_vm *vm);

#endif
