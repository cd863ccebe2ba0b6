/* A provider (a cloud, or libvirt) as a table of operations.
 *
 * A row turns plain data into a request and a reply into plain data.  It never
 * blocks, sleeps, retries, logs or keeps state, so rate limits, retries,
 * recording and fault injection are written once, outside.  libvirt's API is a
 * blocking library instead of HTTP: its rows have `call`, which the engine runs
 * on a worker thread; nobody else sees the difference.
 *
 * Plain data is JSON.  `in` and `out` of every operation are listed below;
 * a VM record is described in providers/vm.h.
 *
 * Every operation with an effect answers when the provider has *accepted* it.
 * Whether it took effect is seen in a later describe, and only there: that is
 * what makes a lost reply, a repeated call and a resumed campaign the same
 * case (controller/step.h).
 *
 * An operation may take several requests, one after the other.  Then `out` has
 * "next": the same `in` with "page" set to it is built, sent and parsed, and
 * the lists of all parts are joined, until there is no "next" (any JSON; it may
 * be large).  Callers of OP_FIND see its parts as pages; for all others
 * controller/http-calls.c does it.  "after_ms" beside "next": not before so
 * much time has passed; so a row follows an operation that a service goes on
 * with after its reply (Azure, Google), and answers when it has ended, well or
 * not.  Such a "next" has a member "follow": if nothing can be asked any more,
 * the effect is unknown, not absent.
 *
 * Operations with an effect have "limit_ms": so long their effect is waited
 * for.  A row that follows one gives up then (ERR_UNKNOWN_EFFECT).
 *
 * Operations with an effect take "dry_run": true where the provider can say
 * whether it is allowed without doing it: then out is {} or the error is
 * ERR_DENIED.
 */

#ifndef BOOTMEND_PROVIDER_H
#define BOOTMEND_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include <base/json.h>

struct http_request;
struct http_reply;
struct limit_spec;
struct credentials;

enum op_id {
  /* in {}   out {account: id for people and keys}: whose credentials these are,
   * asked first of all, so that wrong ones end a campaign with one message */
  OP_IDENTIFY,
  /* in {selector: {...}, page: token or absent}
   * out {vms: [record], next: token or absent,
   *      missing: [{what, why}]  what the selector names and does not exist} */
  OP_FIND,
  /* in {ids: [vm id], brief, health, preflight: bool or absent}
   * out {vms: [record], gone: [id]}
   * Nothing set: all that is compared and put back.  brief: only what one
   * request shows (power, mark, whether an OS disk is there), for polling; not
   * for vm_differences.  health: what status checks say, too.  preflight: with
   * refusals and warnings as from OP_FIND. */
  OP_DESCRIBE,
  /* in {vms: [record], force: bool}   out {failed: [{id, error}]}
   * Where a call fails as a whole because of some of its VMs, those get the
   * error and the others ERR_TRANSIENT: nothing has happened to them. */
  OP_STOP,
  OP_START,
  /* in {ids: [id of a disk, a snapshot, or a task that OP_SWAP_OS gave]}
   * out {disks: [{id, kind: "disk" | "snapshot" | "task",
   *               state: "available" | "attached" | "busy" | "other" |
   * "failed", attached_to: VM id or absent, device: text or absent, why: text
   * or absent, size_bytes, attributes: {...}}], gone: [id]} A snapshot or task
   * that has ended well is "available". */
  OP_DESCRIBE_DISKS,
  /* in {vm: record, disk: os_disk of it}   out {} */
  OP_DETACH_OS,
  /* in {vm: record, disk: saved os_disk}   out {}: attach as the OS disk */
  OP_ATTACH_OS,
  /* in {vm: record, saved: the record before}   out {}: put attributes back */
  OP_RESTORE_ATTRIBUTES,
  /* in {helper: record, disks: [{disk: os_disk, slot: text}], force: detach
   *     only, or absent, alone: a number, or absent}
   * out {failed: absent, or [{id: of a disk, error, alone: bool}]}
   * slot: a device name or LUN, from helper_slots below.  Where a call about
   * several disks fails as a whole, it is as with OP_STOP; alone: which one it
   * was is not known, and this one should be sent by itself (with the same
   * number in "alone", no two calls are the same words). */
  OP_HELPER_ATTACH,
  OP_HELPER_DETACH,
  /* in {vm, disk, token, name, tags: {}}   out {created: {kind, id}} */
  OP_SNAPSHOT,
  /* in {vm, disk}   out {snapshots: [{id, created: RFC 3339, size_bytes}]}: all
   * usable snapshots of the disk, in any order */
  OP_SNAPSHOTS,
  /* in {vm, source: {kind, id}, token, name, tags}  out {created: {kind, id}}
   */
  OP_DISK_FROM,
  /* in {vm, disk: the new one, token}   out {task: id or absent} */
  OP_SWAP_OS,
  /* in {vm}   out {}: its group leaves it alone from now on, or counts on it
   * again; only for VMs whose record has "group" */
  OP_LEAVE_GROUP,
  OP_JOIN_GROUP,
  /* in {vm, disk, keep: bool, tags}   out {}: tags the disk, which was taken
   * out of the VM and waits for its release, or takes these tags off */
  OP_KEEP,
  /* in {kind, id}   out {}; what is not there any more is fine */
  OP_DELETE,
  /* in {campaign}   out {created: [{kind, id, token, campaign}]}: what
   * OP_SNAPSHOT and OP_DISK_FROM made, and OP_KEEP keeps (by their tags), for a
   * reply that was lost; no campaign: of all of them */
  OP_FIND_CREATED,
  /* in {vms: [record], mark: {campaign, controller, since},
   *     replaces: campaign whose mark may be written over, or absent}
   * out {failed: [{id, error}]} */
  OP_MARK,
  OP_UNMARK,
  /* in {vm, after: position from an earlier reply or absent}
   * out {text: printable or not, after: position of its end} */
  OP_SERIAL_LOG,
  /* in {vm}   out {type: "image/png", data: base64} */
  OP_SCREENSHOT,
  /* in {vm}   out {alive: bool, why: text}: a word from inside the guest */
  OP_GUEST_PING,
  /* in {vm: record}   out {vm: the record with what takes a call of its own
   * (stop protection, key access, ...): refusals and warnings added} */
  OP_PREFLIGHT,
  OP_COUNT
};

/* One account (or URI, subscription, project) and region of one provider, as a
 * campaign uses it.  Made by provider->open from the operator's words. */
struct binding {
  const struct provider *provider;
  char *account;     /* "123456789012", "qemu:///system", ... */
  char *region;      /* "" where there is none */
  json_t *config;    /* options of the provider; no secrets */
  int64_t settle_ms; /* instead of the provider's; 0: the provider's */
  void *handle;      /* the provider's own (a connection); NULL for HTTP ones */

  /* The service's own clock, by its last reply: controller/service-clock.h. */
  bool clock_known;
  int64_t clock_ahead_ms; /* of our monotonic one */
};

struct provider_op {
  const char *name;        /* "stop": in journals, reports, errors */
  const char *limit_class; /* which token bucket */
  unsigned max_ids;        /* how many VMs one call takes; 0 = one */
  bool changes;            /* has an effect: journalled before it is sent */
  /* VMs that share a call must have the same in these members of their records
   * (paths, ended by NULL); NULL: any may. */
  const char *const *together;
  const char *next_class; /* of requests after the first; NULL: limit_class */
  /* ... or which bucket the next request of `in` is from (page included). */
  const char *(*class_of) (const struct binding *b, const json_t *in);
  /* What of the account the service counts by itself, and changes one call
   * after the other: its id, as a path in `in`.  Such calls go one at a time,
   * until what they began has ended, and others join them meanwhile. */
  const char *part;

  int (*build) (const struct binding *b, const json_t *in,
                struct http_request *req, struct err **err);
  int (*parse) (const struct binding *b, const json_t *in,
                const struct http_reply *reply, json_t **out, struct err **err);
  int (*call) (const struct binding *b, const json_t *in, json_t **out,
               struct err **err);
};

enum provider_caps {
  CAP_MOVE = 1,        /* strategy move */
  CAP_SWAP = 2,        /* strategy swap */
  CAP_RESTORE = 4,     /* strategy restore */
  CAP_IN_PLACE = 8,    /* a stopped VM's disk is reachable where the agent runs:
                          nothing is detached or attached */
  CAP_GUEST_PING = 16, /* OP_GUEST_PING means something */
  CAP_DRY_RUN = 32,    /* operations with an effect know "dry_run" */
  CAP_SWAP_STOPPED = 64,  /* OP_SWAP_OS is for stopped VMs */
  CAP_SWAP_RUNNING = 128, /* ... for running ones, which it restarts */
  CAP_COPY_DISK = 256,    /* OP_DISK_FROM takes a disk: no snapshot is needed */
  CAP_STOPS_ONCE = 512,   /* a stop that is under way can't be hurried */
  CAP_STATUS = 1024       /* a describe tells whether a running VM is well */
};

/* An option of a provider's own, e.g. --libvirt-uri. */
struct provider_option {
  const char *name, *argument, *otherwise, *help;
};

struct provider {
  const char *name;        /* "libvirt" */
  const char *description; /* one line for help and docs */
  unsigned caps;
  const struct provider_option *options; /* ends with name NULL */

  /* Eventual consistency: for so long after a request a describe may still show
   * the VM as it was before it; 0: never. */
  int64_t settle_ms;

  /* Where calls are counted: with 100 VMs in work or more, shared looks at them
   * are poll_ms apart, and a call that takes many VMs waits gather_ms for more
   * of them; with fewer VMs in proportion, for then there are calls to spare.
   * 0: policy.poll_ms alone counts, and nothing waits. */
  int64_t poll_ms, gather_ms;

  /* `in` of an operation with an effect has "request": a text of its own for
   * each attempt, from which a row makes the id that lets the cloud ignore a
   * repetition.  Not for calls that take many VMs. */
  bool request_ids;

  /* How VMs of this provider are named on a command line, for help. */
  const char *selector_help;

  /* The one spelling of a VM's id that an operator wrote, to be freed; NULL: it
   * is no id of this provider's.  Not there: ids have only one. */
  char *(*spell_id) (const char *text);

  /* Turns the words of the command line ("PROVIDER:REST") into a selector
   * object for OP_FIND, without any I/O. */
  int (*parse_selector) (const char *words, json_t **selector,
                         struct err **err);

  /* HTTP providers: splits the words' own options of the binding off the
   * selector ({profile, region}, {subscription}, {project}): each distinct
   * object becomes a binding of its own, merged into its config.  Takes them
   * out of the selector; NULL: there are none. */
  json_t *(*binding_words) (json_t *selector);

  /* Opens and closes what `handle` is.  May block (connects); called on a
   * worker thread. */
  int (*open) (struct binding *b, struct err **err);
  void (*close) (struct binding *b);

  struct provider_op ops[OP_COUNT]; /* name NULL: this one can't do it */

  /* The least permissions that a campaign needs, in the cloud's own form, from
   * {strategy, account, copy_running, snapshot, evidence, keys: bool, and the
   * provider's own options without its name}; NULL: there is no such thing. */
  json_t *(*policy) (const json_t *options, struct err **err);

  /* HTTP providers only. */
  const struct limit_spec *limits; /* documented rates; net/limiter.h */
  /* Finds credentials; `audience` as in http_request.  Blocks; runs on a worker
   * thread.  NULL: error (ERR_AUTH says what was tried and what to do). */
  struct credentials *(*authenticate) (const struct binding *b,
                                       const char *audience, struct err **err);
  /* Where a disk that is attached to a helper shows up there, below `devices`
   * ("/dev" in life): candidates, ended by NULL, to be freed.  The agent takes
   * the first that exists and checks serial and size. */
  char **(*helper_paths) (const json_t *disk, const char *slot,
                          const char *devices);
  /* The slots that are free on a helper as its record (described with
   * preflight) shows it: an array of texts, the best first; new reference. */
  json_t *(*helper_slots) (const json_t *helper);
  /* What an agent on this helper must find there before any disk comes:
   * {machine: its UUID, where only that tells its disks from another helper's;
   * links: patterns, of which one must be there, or no disk would be found;
   * advice: what to do then}; new reference.  NULL: nothing. */
  json_t *(*helper_expect) (const json_t *helper, const char *devices);
  /* Can this be the id of one of its VMs, by its form?  In a campaign over
   * several clouds a helper is looked for where its id belongs.  NULL: any can.
   */
  bool (*is_vm_id) (const char *id);
};

/* All built-in providers, ended by NULL. */
extern const struct provider *const providers[];
const struct provider *provider_by_name (const char *name);

/* How far a describe may lag behind here. */
static inline int64_t
binding_settle_ms (const struct binding *binding)
{
  return binding->settle_ms ? binding->settle_ms : binding->provider->settle_ms;
}

#endif
