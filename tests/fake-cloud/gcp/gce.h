/* What the parts of the fake Compute Engine (v1 REST) share.
 *
 * Objects have the part of their link behind ".../v1/" as their id:
 *   "projects/P/zones/Z/instances/N", "projects/P/zones/Z/disks/D",
 *   "projects/P/regions/R/disks/D", "projects/P/global/snapshots/S",
 *   "projects/P/zones/Z/operations/O"
 * and bodies in the shape of the discovery document.  Kinds: "instance",
 * "disk", "snapshot", "operation", "group", "principal", "token".  Members of
 * the fake's own:
 *   instance  _boots _bootedMs _serial _noCapacity _stopHangs _devices
 *             _maxDisks _busy (type of the operation that holds it) _diskWork
 *             (operations on its disks under way) _bootFeatures _group
 *             _public _guestAttributes
 *   disk      _image _ownImage _boots _content _csek _snapshotsMs
 *   snapshot  _image _boots _content
 *   operation _method _request
 *
 * (unverified) marks what no public source confirms; a log of the real service
 * would. */

#ifndef BOOTMEND_FAKE_GCE_H
#define BOOTMEND_FAKE_GCE_H

#include <fake-cloud/rest.h>

#define GCE_LINK "https://www.googleapis.com/compute/v1/"

struct gce_method {
  const char *name; /* "instances.stop", as the discovery document has it */
  const char *verb, *path; /* behind /compute/v1 */
  const char *quota;       /* group of the rate quotas, gce-access.c */
  const char *permission;  /* on what the path names */
  const char *query;       /* parameters; "!" behind one: required */
  const char *body;        /* members that its body may have, NULL: no body */
  int (*run) (struct fake_call *call); /* -1: gce_fail has been called */
};

extern const struct gce_method gce_instance_methods[], gce_attach_methods[],
    gce_disk_methods[], gce_snapshot_methods[], gce_label_methods[],
    gce_evidence_methods[], gce_operation_methods[], gce_group_methods[];

/* ---- protocol (gce.c, gce-reply.c) ---- */
/* The row of the call; NULL: there is none of this path and verb. */
const struct gce_method *gce_method_of (const struct fake_call *call);
bool gce_changes (const struct gce_method *method);
/* Reasons are those of errors[].reason: "notFound". */
int gce_fail (struct fake_call *call, int status, const char *reason,
              const char *fmt, ...) ATTR_PRINTF (4, 5);
/* The same with members "status" and "details" of the error (taken). */
int gce_fail_with (struct fake_call *call, int status, const char *reason,
                   const char *word, json_t *details_taken,
                   const char *message);
int gce_not_found (struct fake_call *call, const char *id);
int gce_not_ready (struct fake_call *call, const char *id);
/* 400 invalid: "Invalid value for field '%s': '%s'. %s" */
int gce_invalid (struct fake_call *call, const char *field, const char *value,
                 const char *why);
void gce_answer (struct fake_call *call, json_t *body_taken);
const char *gce_param (const struct fake_call *call, const char *name);
bool gce_flag (const struct fake_call *call, const char *name);
/* The request's body; an empty object if there is none. */
const json_t *gce_body (const struct fake_call *call);
/* What the path names: "projects/P/zones/Z/instances/N"; to be freed. */
char *gce_target_id (const struct fake_call *call);
/* It, as it is now; NULL after gce_not_found. */
struct fake_object *gce_target (struct fake_call *call);

/* ---- who may (gce-access.c) ---- */
int gce_who_calls (struct fake_call *call);
bool gce_may (const struct fake_call *call, const char *permission);
/* 0, or -1 after 403: "Required 'P' permission for 'ID'". */
int gce_need_permission (struct fake_call *call, const char *permission,
                         const char *id);
int gce_check_project (struct fake_call *call);
int gce_check_quota (struct fake_call *call, const struct gce_method *method);
/* A token object for this principal. */
struct fake_object *gce_token_new (struct fake_cloud *cloud,
                                   const struct fake_object *principal,
                                   int64_t seconds, const json_t *scopes);

/* ---- names, links, numbers, times (gce-names.c) ---- */
/* The id in a link, which may begin at "projects/"; NULL: there is none. */
const char *gce_id_of_link (const char *link);
const char *gce_last (const char *link);
char *gce_link (const char *id);
void gce_put_link (json_t *body, const char *key, const char *id);
bool gce_is_name (const char *text);
/* Is this label set one that Compute takes?  -1 after gce_fail. */
int gce_check_labels (struct fake_call *call, const json_t *labels);
/* "europe-west1" of "europe-west1-b". */
char *gce_region_of (const char *zone);
bool gce_zone_exists (const struct fake_cloud *cloud, const char *zone);
/* A whole number out of a text or a number; -1: it is none. */
int64_t gce_number (const json_t *value);
void gce_put_number (json_t *body, const char *key, int64_t value);
/* "2026-01-02T03:04:05.678-08:00", for now or for then. */
char *gce_time_text (int64_t wall_ms);
void gce_put_now (struct fake_cloud *cloud, json_t *body, const char *key);
void gce_put_new_number (struct fake_cloud *cloud, json_t *body);
void gce_put_fingerprint (struct fake_cloud *cloud, json_t *body,
                          const char *key);
/* Adds kind, id, name, selfLink and where it is (zone or region). */
void gce_put_identity (struct fake_cloud *cloud, json_t *body, const char *kind,
                       const char *id);

/* ---- operations (gce-operations.c) ---- */
/* What an operation does when its time has come.  `done` may refuse by setting
 * error {code, message}; `undo` puts back what was shown meanwhile. */
struct gce_change {
  const char *type; /* operationType */
  const char *time; /* its time in "times" */
  void (*done) (struct fake_cloud *cloud, struct fake_object *target,
                json_t *arg, json_t **error);
  void (*undo) (struct fake_cloud *cloud, struct fake_object *target,
                json_t *arg);
};
/* Tables end with type NULL. */
extern const struct gce_change gce_instance_changes[], gce_attach_changes[],
    gce_disk_changes[], gce_label_changes[];
/* Answers with a new operation of that type, which does what its row says after
 * its time (`after_ms` < 0: the row's). */
int gce_begin (struct fake_call *call, struct fake_object *target,
               const char *type, int64_t after_ms, json_t *arg_taken);
/* One that has nothing to do. */
int gce_begin_nothing (struct fake_call *call, struct fake_object *target,
                       const char *type);
/* A refusal that the real service gives at once or inside the operation:
 * "late_refusals" says how often the latter.  0: it is inside. */
int gce_refuse (struct fake_call *call, struct fake_object *target,
                const char *type, int status, const char *reason,
                const char *code, const char *fmt, ...) ATTR_PRINTF (7, 8);
/* requestId: 1 if the call was answered with the operation of before. */
int gce_seen_before (struct fake_call *call);
json_t *gce_op_error (const char *code, const char *fmt, ...)
    ATTR_PRINTF (2, 3);
int64_t gce_time_ms (const struct fake_cloud *cloud, const char *name);

/* ---- lists (gce-lists.c, gce-filter.c) ---- */
/* All of a kind below `prefix` ("projects/P/zones/Z/"). */
int gce_list (struct fake_call *call, const char *kind, const char *list_kind,
              const char *prefix);
/* The same over all zones (and regions): {"zones/Z": {member: [..]}}. */
int gce_list_all (struct fake_call *call, const char *kind,
                  const char *list_kind, const char *member, bool regions);
/* A filter as a tree; NULL: it is none (and NULL for ""). */
json_t *gce_filter_parse (const char *text, bool *bad);
bool gce_filter_fits (const json_t *filter, const json_t *body);

/* ---- instances and disks ---- */
/* {"permissions": those asked for that the caller has}. */
int gce_test_permissions (struct fake_call *call);
const char *gce_status (const struct fake_object *object);
void gce_set_status (struct fake_cloud *cloud, struct fake_object *object,
                     const char *status);
/* The entry in disks by device name, or by disk id; NULL. */
json_t *gce_attached (const struct fake_object *instance, const char *device,
                      const char *disk);
json_t *gce_boot_entry (const struct fake_object *instance);
struct fake_object *gce_boot_disk (struct fake_cloud *cloud,
                                   const struct fake_object *instance);
/* Both sides of an attachment, without any check; entry: an AttachedDisk. */
void gce_put_attached (struct fake_cloud *cloud, struct fake_object *instance,
                       struct fake_object *disk, json_t *entry_taken);
void gce_take_attached (struct fake_cloud *cloud, struct fake_object *instance,
                        struct fake_object *disk);
/* An AttachedDisk for this disk with the members that `with` gives. */
json_t *gce_entry_of (const struct fake_object *disk, const json_t *with);
/* A device name that is free: persistent-disk-N. */
char *gce_free_device (const struct fake_object *instance);
void gce_copy_content (struct fake_cloud *cloud, const json_t *from, json_t *to,
                       const char *new_id);
/* Is the key of this disk (CSEK) given in `key`?  -1 after gce_fail. */
int gce_check_csek (struct fake_call *call, const struct fake_object *disk,
                    const json_t *key);
/* Removes an instance and its disks with autoDelete. */
void gce_remove_instance (struct fake_cloud *cloud,
                          struct fake_object *instance);

/* ---- guests (gce-guest.c) ---- */
void gce_guest_boot (struct fake_cloud *cloud, struct fake_object *instance);
void gce_guest_off (struct fake_cloud *cloud, struct fake_object *instance);
/* What port 1 has said since its boot. */
void gce_serial (const struct fake_cloud *cloud, const json_t *body,
                 struct strbuf *text);

/* ---- groups (gce-groups.c) ---- */
/* Of a managed group that heals itself: a member that was stopped is made anew
 * after a while. */
void gce_group_watch (struct fake_cloud *cloud, struct fake_object *instance);

/* ---- configuration, token services, metadata ---- */
int gce_load (struct fake_cloud *cloud, const json_t *config, struct err **err);
int gce_load_fleet (struct fake_cloud *cloud, const json_t *config,
                    struct err **err);
/* An instance as its specification wants it, RUNNING or not. */
int gce_add_instance (struct fake_cloud *cloud, const json_t *spec,
                      const char *zone, struct err **err);
struct fake_object *gce_add_disk (struct fake_cloud *cloud, const json_t *spec,
                                  const char *project, const char *zone,
                                  const char *name, struct err **err);
/* The boot disk and all others of a specification. */
int gce_add_disks (struct fake_cloud *cloud, struct fake_object *instance,
                   const json_t *spec, const char *zone, struct err **err);
void gce_put_labels (struct fake_cloud *cloud, json_t *body,
                     const json_t *labels);
const char *gce_first_project (const struct fake_cloud *cloud);
void gce_token_service (struct fake_call *call, const char *path);
void gce_metadata (struct fake_call *call, const char *path);

#endif
