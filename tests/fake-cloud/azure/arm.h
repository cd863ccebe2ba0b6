/* What the parts of the fake Azure share: Resource Manager with Compute,
 * Entra's token endpoint, the instance metadata service, Key Vault's secrets,
 * and the blobs of boot diagnostics.
 *
 * Bodies are kept in the shape in which a GET shows them.  Ids of the frame are
 * ARM ids in lower case; what a client gives is compared without case, and
 * names come back in the case in which they were created.  Members of the
 * fake's own:
 *   vm        _power (the word behind "PowerState/") _agent _boots _console
 *             _bootedMs _operation (id of the one that is going on) _noCapacity
 *             _startHangs _stopHangs _noAgent _maxDataDisks _devices _etag
 *   disk      _image _boots _content _owner (id of its VM, lower case)
 *             _detaching
 *   snapshot  _image _boots _content _grown (of its completionPercent)
 *   operation _path _monitor (as issued) _subject _result
 *
 * (unverified) marks what no public source confirms; a recording of the real
 * service would. */

#ifndef BOOTMEND_FAKE_ARM_H
#define BOOTMEND_FAKE_ARM_H

#include <fake-cloud/rest.h>

enum arm_flags {
  ARM_OPEN = 1,    /* no token of Resource Manager is asked for */
  ARM_CHANGES = 2, /* locks forbid it */
  ARM_DELETES = 4, /* ... also those that forbid only deletion */
  ARM_LOOSE = 8    /* query parameters are not checked */
};

struct arm_route {
  const char *method, *path; /* fake_path_match */
  const char *service;       /* for the log: "compute" */
  const char *action;        /* "virtualMachines/powerOff" */
  const char *right;         /* "Microsoft.Compute/..."; NULL: none is needed */
  const char *policy;        /* Compute's bucket (arm-throttle.c); NULL: none */
  const char *query;         /* words that it knows besides api-version */
  unsigned flags;
  int (*run) (struct fake_call *call); /* -1: arm_fail has been called */
};

/* Each ends with method NULL. */
extern const struct arm_route arm_resource_routes[], arm_vm_routes[],
    arm_power_routes[], arm_attach_routes[], arm_model_routes[],
    arm_disk_routes[], arm_make_routes[], arm_operation_routes[],
    arm_diagnostics_routes[], arm_tag_routes[], arm_entra_routes[],
    arm_imds_routes[], arm_vault_routes[];

const struct arm_route *arm_route_of (const struct fake_call *call);

/* ---- protocol (arm.c, arm-reply.c) ---- */
/* A part of the path, a query parameter, a member of a form; NULL. */
const char *arm_part (const struct fake_call *call, const char *name);
const char *arm_query (const struct fake_call *call, const char *name);
bool arm_query_flag (const struct fake_call *call, const char *name);
/* The body as JSON, an object; empty if there is none. */
const json_t *arm_body (const struct fake_call *call);
/* "http://127.0.0.1:1234" of the request. */
char *arm_base (const struct fake_call *call);
/* The first `segments` parts of the path, in lower case: 2 a subscription, 4 a
 * group, 8 a resource. */
char *arm_scope (const struct fake_call *call, unsigned segments);

/* An error of Compute (pretty, CRLF) or of the front door (one line, and a
 * header says so); both return -1. */
int arm_fail (struct fake_call *call, int status, const char *code,
              const char *fmt, ...) ATTR_PRINTF (4, 5);
int arm_front_fail (struct fake_call *call, int status, const char *code,
                    const char *fmt, ...) ATTR_PRINTF (4, 5);
/* The same with "target". */
int arm_fail_at (struct fake_call *call, int status, const char *code,
                 const char *target, const char *fmt, ...) ATTR_PRINTF (5, 6);
int arm_not_found (struct fake_call *call, const char *scope);
/* A body as clients see it; NULL: empty. */
int arm_reply (struct fake_call *call, int status, json_t *body_taken);
void arm_header (struct fake_call *call, const char *name, const char *fmt, ...)
    ATTR_PRINTF (3, 4);

/* ---- authentication (arm-identity.c) ---- */
/* Sets call->identity, caller, account; -1 after a failure. */
int arm_who_calls (struct fake_call *call, const char *audience);
bool arm_may (const struct fake_call *call, const char *right);
int arm_check_right (struct fake_call *call, const char *right,
                     const char *scope);
/* A token for this application ({"id", "tenant", ...}). */
char *arm_token_new (struct fake_cloud *cloud, const json_t *application,
                     const char *audience, int64_t seconds);
/* The configured application of that id; NULL tenant: of any. */
const json_t *arm_application (const struct fake_cloud *cloud,
                               const char *tenant, const char *id);

/* ---- throttles (arm-throttle.c) ---- */
int arm_admit (struct fake_call *call, const struct arm_route *route);
void arm_throttled (struct fake_call *call);

/* ---- objects (arm-objects.c) ---- */
struct fake_object *arm_find (struct fake_call *call, const char *kind,
                              const char *id);
/* What the path names; NULL after a 404. */
struct fake_object *arm_subject (struct fake_call *call, const char *kind);
/* Any case to lower case. */
char *arm_lower (const char *text);
/* "/subscriptions/s/resourcegroups/G/.." with the group in upper case. */
char *arm_shouted (const char *id);
const char *arm_name (const struct fake_object *object);
const char *arm_power (const struct fake_object *vm);
json_t *arm_properties (const struct fake_object *object);
json_t *arm_os_disk (const struct fake_object *vm);
json_t *arm_data_disks (const struct fake_object *vm);
/* The disk of an entry of a storage profile; NULL: none (any more). */
struct fake_object *arm_entry_disk (struct fake_cloud *cloud,
                                    const json_t *entry);
/* managedBy and diskState; vm NULL: of nobody. */
void arm_own (struct fake_cloud *cloud, struct fake_object *disk,
              const struct fake_object *vm);
/* diskState of all of a VM's disks, after its power changed. */
void arm_own_all (struct fake_cloud *cloud, struct fake_object *vm);
/* Shows a data disk to the VM's agent, or takes it away. */
void arm_link (struct fake_cloud *cloud, const struct fake_object *vm,
               const struct fake_object *disk, int64_t lun, bool show);
/* A resource's body without what is the fake's; with the etag. */
json_t *arm_shown (const json_t *body);
/* Every change of a VM's model or tags counts up its etag. */
void arm_touch (struct fake_cloud *cloud, struct fake_object *object);
/* {value, nextLink} of a kind below a scope. */
int arm_list (struct fake_call *call, const char *kind, const char *scope,
              json_t *(*show) (struct fake_call *, const json_t *));
bool arm_is_below (const char *id, const char *scope);
void arm_group_add (struct fake_cloud *cloud, const char *subscription,
                    const char *name, const char *location);
char *arm_now (struct fake_cloud *cloud); /* "2026-..T..+00:00", 7 decimals */
json_t *arm_copy_content (struct fake_cloud *cloud, const json_t *from,
                          json_t *to, const char *name);

/* ---- operations (arm-operations.c) ---- */
enum arm_urls {
  ARM_BOTH,  /* Azure-AsyncOperation and Location */
  ARM_ASYNC, /* only the first: VM PUT and PATCH */
};
/* Begins one on `subject`, which is busy until its end, and puts the headers of
 * the reply.  fire (cloud, operation, arg) must call arm_operation_end; arg
 * gets "error" if the operation is to end badly. */
struct fake_object *arm_operation (
    struct fake_call *call, struct fake_object *subject, enum arm_urls urls,
    int64_t after_ms,
    void (*fire) (struct fake_cloud *, struct fake_object *, json_t *),
    json_t *arg_taken);
/* error, output: taken, NULL: none. */
void arm_operation_end (struct fake_cloud *cloud, struct fake_object *operation,
                        json_t *error_taken, json_t *output_taken);
struct fake_object *arm_operation_subject (struct fake_cloud *cloud,
                                           const struct fake_object *operation);
/* 409 while another operation is in progress. */
int arm_check_idle (struct fake_call *call, const struct fake_object *object,
                    const char *what);

/* ---- VMs (arm-vms.c, arm-guest.c, arm-attach.c) ---- */
json_t *arm_instance_view (struct fake_cloud *cloud, const json_t *vm);
void arm_guest_boot (struct fake_cloud *cloud, struct fake_object *vm);
void arm_guest_off (struct fake_cloud *cloud, struct fake_object *vm);
void arm_set_power (struct fake_cloud *cloud, struct fake_object *vm,
                    const char *power);
/* One data disk, checked: an entry of dataDisks; NULL after a failure. */
json_t *arm_attach_entry (struct fake_call *call, struct fake_object *vm,
                          const json_t *wanted, const json_t *entries);
/* The models of data disks that are to come or go, with their times. */
int64_t arm_disks_begin (struct fake_call *call, struct fake_object *vm,
                         const json_t *comes, const json_t *goes);
void arm_disks_end (struct fake_cloud *cloud, struct fake_object *vm,
                    const json_t *arg, bool failed);

/* ---- configuration (arm-config.c, arm-fleet.c, arm-fleet-disks.c) ---- */
int arm_load (struct fake_cloud *cloud, const json_t *config, struct err **err);
int arm_load_fleet (struct fake_cloud *cloud, const json_t *config,
                    struct err **err);
struct fake_object *arm_add_disk (struct fake_cloud *cloud, const json_t *spec,
                                  const json_t *defaults, struct err **err);
/* "times.NAME" in ms, scaled. */
int64_t arm_time_ms (const struct fake_cloud *cloud, const char *name);
/* A member of the part "azure" of the configuration. */
const json_t *arm_config (const struct fake_cloud *cloud, const char *path);
unsigned arm_max_data_disks (const struct fake_object *vm);
json_t *arm_sizes (void);

#endif
