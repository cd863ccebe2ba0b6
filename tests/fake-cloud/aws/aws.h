/* What the parts of the fake AWS share.
 *
 * EC2's bodies are kept in the shape of its XML (element names of the EC2 model
 * of botocore), see cloud.h.  Members of the fake's own:
 *   instance  _reservationId _disableApiStop _disableApiTermination
 *             _shutdownBehavior _cpuCredits _neverRan _status _bootedMs _boots
 *             _console _noCapacity _stopHangs _autoPublicIp _devices _launch
 *             _maxAttachments _asg (body of its membership)
 *   volume    _image _boots _content _busy _keyUnusable _productCodes _lineage
 *             _modification
 *   snapshot  _image _boots _content _lineage _productCodes
 *
 * (unverified) marks what no public source confirms; a log of the real service
 * would. */

#ifndef BOOTMEND_FAKE_AWS_H
#define BOOTMEND_FAKE_AWS_H

#include <fake-cloud/rest.h>

DEFINE_VEC (const char *, aws_words);

struct aws_action {
  const char *service, *name;
  /* Parameters: NAME[:b|:i][!], "n" stands for a list index, "!" = required.
   * Action, Version and DryRun (ec2) go without saying. */
  const char *params;
  int (*run) (struct fake_call *call); /* -1: aws_fail has been called */
};

extern const struct aws_action aws_describe_actions[], aws_instance_actions[],
    aws_volume_actions[], aws_attach_actions[], aws_snapshot_actions[],
    aws_tag_actions[], aws_root_actions[], aws_attribute_actions[],
    aws_console_actions[], aws_place_actions[], aws_sts_actions[],
    aws_autoscaling_actions[], aws_kms_actions[];

/* ---- protocol (aws.c, aws-params.c) ---- */
int aws_fail (struct fake_call *call, int status, const char *code,
              const char *fmt, ...) ATTR_PRINTF (4, 5);
const char *aws_param (const struct fake_call *call, const char *name);
bool aws_flag (const struct fake_call *call, const char *name);
/* The values of PREFIX.1, PREFIX.2 ...; borrowed texts. */
struct aws_words aws_list (const struct fake_call *call, const char *prefix);
/* Checks names, types and required ones against the row. */
int aws_params_check (struct fake_call *call, const struct aws_action *action);
bool aws_may (const struct fake_call *call, const char *permission);
/* Takes from the bucket of this account, region and name. */
bool aws_throttle (struct fake_call *call, const char *name, double size,
                   double per_second, double amount);
int aws_throttled (struct fake_call *call);
/* "times.NAME" of the configuration, in ms, scaled. */
int64_t aws_time_ms (const struct fake_cloud *cloud, const char *name);
/* {"code", "name"} in one go; "2026-..Z" for now. */
void aws_put_now (struct fake_cloud *cloud, json_t *body, const char *key);
/* ClientToken: the id that the same call gave before, NULL if it is new; -1 if
 * the token was used with other parameters. */
int aws_client_token (struct fake_call *call, const char **id);
void aws_client_token_keep (struct fake_call *call, const char *id);

/* ---- authentication (sigv4.c, identity.c) ---- */
/* Sets call->identity, account, region, caller; -1 after aws_fail. */
int aws_who_calls (struct fake_call *call);
/* Checks the signature of the request with this secret; NULL if it is good,
 * else what is wrong with it.  *code gets the kind: "incomplete", "expired",
 * "mismatch". */
struct aws_scope {
  char *key, *date, *region, *service, *signed_headers, *signature;
};
int aws_scope_parse (const char *authorization, struct aws_scope *scope);
void aws_scope_release (struct aws_scope *scope);
char *aws_sigv4_signature (const struct http_request *req,
                           const struct aws_scope *scope, const char *secret);
/* Temporary credentials for a role: an access-key object. */
struct fake_object *aws_session_new (struct fake_cloud *cloud,
                                     const struct fake_object *role,
                                     const char *session_name, int64_t seconds);
/* host and path of a URL; path ends before "?". */
void aws_url_split (const char *url, char **host, char **path, char **query);

/* ---- EC2 objects (ec2-objects.c) ---- */
struct fake_object *aws_instance (struct fake_call *call, const char *id);
struct fake_object *aws_volume (struct fake_call *call, const char *id);
struct fake_object *aws_snapshot (struct fake_call *call, const char *id);
/* All of them or -1 with the error that names the missing ones. */
int aws_instances (struct fake_call *call, const struct aws_words *ids,
                   struct fake_objects *found);
bool aws_id_good (const char *id, const char *prefix);
const char *aws_state (const struct fake_object *instance);
void aws_set_state (struct fake_cloud *cloud, struct fake_object *instance,
                    const char *name);
json_t *aws_state_json (const char *name);
const char *aws_volume_state (const struct fake_object *volume);
/* The entry of blockDeviceMapping by volume or by device; NULL. */
json_t *aws_mapping (const struct fake_object *instance, const char *volume,
                     const char *device);
json_t *aws_attachment (const struct fake_object *volume, const char *instance);
struct fake_object *aws_root_volume (struct fake_cloud *cloud,
                                     const struct fake_object *instance);
/* Both sides of an attachment. */
void aws_attach (struct fake_cloud *cloud, struct fake_object *volume,
                 struct fake_object *instance, const char *device,
                 const char *status, bool delete_on_termination);
void aws_attach_status (struct fake_cloud *cloud, struct fake_object *volume,
                        struct fake_object *instance, const char *status);
void aws_detach (struct fake_cloud *cloud, struct fake_object *volume,
                 struct fake_object *instance);
/* Shows or hides the volume among the helper's devices. */
void aws_link (struct fake_cloud *cloud, const struct fake_object *volume,
               const struct fake_object *instance, bool show);
/* Adds TagSpecification.n of that resource type to body; -1 after aws_fail. */
int aws_tags_from (struct fake_call *call, const char *resource_type,
                   json_t *body);
json_t *aws_tags_of (json_t *body);
/* Codes of a set of {productCode, type}. */
bool aws_has_product_codes (const struct fake_object *volume);
/* May the caller use the key of this encrypted disk? */
bool aws_key_usable (const struct fake_call *call, const json_t *disk);
/* What a copy of a disk has: image, _boots, _content, _lineage ... */
void aws_copy_content (struct fake_cloud *cloud, const json_t *from, json_t *to,
                       const char *new_id);

/* ---- guests (ec2-guest.c) ---- */
/* Boots from what is on the root volume: status, console. */
void aws_guest_boot (struct fake_cloud *cloud, struct fake_object *instance);
void aws_guest_off (struct fake_cloud *cloud, struct fake_object *instance);
void aws_assign_address (struct fake_cloud *cloud,
                         struct fake_object *instance);
void aws_drop_address (struct fake_object *instance);
void aws_terminate (struct fake_cloud *cloud, struct fake_object *instance,
                    const char *reason);

/* ---- reading (ec2-query.c) ---- */
struct aws_filter_row {
  const char *name, *path; /* path: NULL = documented, but not in the fake */
};
/* One description: which kind, its filters and its pages. */
struct aws_query {
  const char *kind;
  const char *ids_param;                /* "InstanceId", NULL: it takes none */
  const struct aws_filter_row *filters; /* ends with name NULL */
  unsigned min, max;                    /* of MaxResults; max 0: no pages */
  bool max_is_error; /* above max: refused, else cut to max */
};
struct aws_item {
  const json_t *body;
  size_t number; /* grows with age: where a page ended */
};
DEFINE_VEC (struct aws_item, aws_items);
/* What the call names, or all of the kind, as a reader sees it; -1 after
 * aws_fail. */
int aws_gather (struct fake_call *call, const struct aws_query *query,
                struct aws_items *items);
/* Leaves what matches the filters and fits on the page; puts nextToken. */
int aws_select (struct fake_call *call, const struct aws_query *query,
                struct aws_items *items);
/* * and ?, a backslash takes their meaning away. */
bool aws_wildcard (const char *pattern, const char *text);

/* ---- configuration (aws-config.c, aws-fleet.c), metadata (imds.c) ---- */
int aws_load (struct fake_cloud *cloud, const json_t *config, struct err **err);
int aws_load_fleet (struct fake_cloud *cloud, const json_t *config,
                    struct err **err);
json_t *aws_tag_set (const json_t *tags);
json_t *aws_product_codes (const json_t *codes);
/* The region of a zone, NULL if there is none. */
const char *aws_region_of (const struct fake_cloud *cloud, const char *zone);
struct fake_object *aws_add_volume (struct fake_cloud *cloud,
                                    const json_t *spec, const char *account,
                                    const char *zone, struct err **err);
bool aws_zone_exists (const struct fake_cloud *cloud, const char *region,
                      const char *zone);
json_t *aws_instance_type (const char *type);
unsigned aws_max_attachments (const struct fake_object *instance);
void aws_imds (struct fake_call *call, const char *path);
/* Asks the group's rules what becomes of a stopped member. */
void aws_group_watch (struct fake_cloud *cloud, struct fake_object *instance);

#endif
