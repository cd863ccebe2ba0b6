/* The frame that every fake cloud stands on: objects with timed changes, fault
 * rules, throttle buckets, the call log, disks as files.  It knows no cloud;
 * a cloud is a struct fake_module in modules.c.
 *
 * An object's body is JSON in the shape in which its cloud shows it, so that
 * writing a reply, filtering and comparing states need no second description.
 * Members that begin with "_" are the fake's own and never written out. */

#ifndef BOOTMEND_FAKE_CLOUD_FRAME_H
#define BOOTMEND_FAKE_CLOUD_FRAME_H

#include <base/strbuf.h>
#include <base/vec.h>

#include "fake-cloud.h"

struct fake_version {
  int64_t at_ms;
  json_t *body; /* NULL: gone from then on */
};
DEFINE_VEC (struct fake_version, fake_versions);

struct fake_object {
  char *kind, *id; /* "instance", "i-0abc..": ids are never reused */
  char *account, *region;
  json_t *body;
  bool gone;
  int64_t created_ms;
  struct fake_versions history; /* kept only while reads are stale */
};
DEFINE_VEC (struct fake_object *, fake_objects);

struct fake_cloud;
struct fake_call;

/* One request while it is answered. */
struct fake_call {
  struct fake_cloud *cloud;
  const struct fake_module *module;
  const struct http_request *req;
  struct http_reply *reply;
  const char *service; /* "ec2" */
  char *action;        /* never NULL after parse; "" if unknown */
  char *account, *region, *caller;
  json_t *params;     /* name -> text */
  struct str_vec ids; /* the ids it names */
  json_t *out;        /* the reply's content */
  json_t *identity;   /* borrowed: who calls, as the module keeps it */
  const void *row;    /* which of the module's methods it is, if it says so */
  json_t *fault;      /* the rule that hits this call, NULL */
  char *request_id;
  char *result; /* "ok" or the error code, for the log */
  bool effect;  /* something was changed */
  int64_t latency_ms;
};

struct fake_module {
  const char *name; /* key in the configuration: "aws" */
  int (*load) (struct fake_cloud *cloud, const json_t *config,
               struct err **err);
  /* Is this request for this cloud? */
  bool (*owns) (struct fake_cloud *cloud, const struct http_request *req);
  /* Fills service, action, params, ids; refuses nothing. */
  void (*parse) (struct fake_call *call);
  /* Authentication first, then everything else; fills the reply. */
  void (*serve) (struct fake_call *call);
  /* An error reply in this cloud's own form. */
  void (*fail) (struct fake_call *call, int status, const char *code,
                const char *message);
  /* A reply as for `retry later`. */
  void (*throttled) (struct fake_call *call);
  /* Prints "SERVICE ACTION PARAMETERS" lines: for tests that compare with the
   * cloud's own description. */
  void (*list) (struct strbuf *sb);
  /* What a proxy's page claims to be in a reply of this cloud. */
  const char *content_type;
};

extern const struct fake_module *const fake_modules[]; /* ends with NULL */

struct fake_timer {
  int64_t due_ms;
  uint64_t number;
  const char *name;
  struct fake_object *object;
  void (*fire) (struct fake_cloud *cloud, struct fake_object *object,
                json_t *arg);
  json_t *arg;
};
DEFINE_VEC (struct fake_timer, fake_timers);

struct fake_bucket {
  char *key;
  double tokens;
  int64_t at_ms;
};
DEFINE_VEC (struct fake_bucket, fake_buckets);

struct fake_cloud {
  const struct clock *clock;
  int64_t clock_start_ms, wall_start_ms;
  double speed;
  int64_t offset_ms;      /* what fake_cloud_advance added */
  int64_t auth_offset_ms; /* the same for tokens and signatures */
  int64_t now_ms;         /* since the start, as far as timers have run */
  uint64_t random;
  int64_t lag_ms; /* how old what the present call reads is */
  json_t *config; /* {"aws": {...}} with what control switched */
  struct fake_objects objects;
  json_t *index; /* id -> position in objects */
  struct fake_timers timers;
  uint64_t timer_number;
  struct fake_buckets buckets;
  json_t *rules;  /* fault rules with their counters "_seen", "_fired" */
  json_t *calls;  /* the log */
  json_t *tokens; /* page tokens and client tokens */
  int depth;      /* calls made by rules, inside a call */
};

/* ---- time and chance (cloud.c) ---- */
int64_t fake_now_ms (const struct fake_cloud *cloud); /* wall, cloud's time */
/* The clients' wall clock: what signatures and tokens are checked with.  It is
 * not sped up, because the clients' clocks are not. */
int64_t fake_client_time_ms (const struct fake_cloud *cloud);
char *fake_time_text (int64_t wall_ms); /* "2026-01-02T03:04:05.000Z" */
uint64_t fake_random (struct fake_cloud *cloud);
double fake_random_unit (struct fake_cloud *cloud);
char *fake_random_hex (struct fake_cloud *cloud, unsigned digits);
char *fake_uuid (struct fake_cloud *cloud);
/* config.MODULE.PATH */
const json_t *fake_config (const struct fake_cloud *cloud, const char *path);
/* Runs what is due. */
void fake_run_timers (struct fake_cloud *cloud);
/* Refuses keys that `allowed` (ended by NULL) does not list. */
int fake_check_keys (const json_t *object, const char *const *allowed,
                     const char *what, struct err **err) ATTR_USE;

struct fake_time {
  const char *name; /* NULL: the end */
  int ms;
};
/* The times of a part of the configuration: its own ("times") over the usual.
 */
int fake_load_times (struct fake_cloud *cloud, const char *part,
                     const struct fake_time *usual, const json_t *config,
                     struct err **err) ATTR_USE;

/* ---- objects (objects.c) ---- */
/* Takes body; id NULL: PREFIX plus 17 random hex digits. */
struct fake_object *fake_object_add (struct fake_cloud *cloud, const char *kind,
                                     const char *id, const char *prefix,
                                     const char *account, const char *region,
                                     json_t *body_taken);
/* By id, gone ones not; NULL account or region: any. */
struct fake_object *fake_object_find (struct fake_cloud *cloud,
                                      const char *kind, const char *id,
                                      const char *account, const char *region);
/* Say so after every change of a body: stale reads live from it. */
void fake_object_changed (struct fake_cloud *cloud, struct fake_object *object);
/* At the begin of each call. */
void fake_draw_lag (struct fake_cloud *cloud);
void fake_object_remove (struct fake_cloud *cloud, struct fake_object *object);
/* The body as a reader sees it now, `stale_ms` behind; NULL: not there (yet).
 */
const json_t *fake_object_view (struct fake_cloud *cloud,
                                const struct fake_object *object);
void fake_objects_free (struct fake_cloud *cloud);
/* RFC 7386: null removes, objects merge, all else replaces. */
void fake_merge (json_t *target, const json_t *patch);

/* ---- timers (timers.c) ---- */
/* In `after_ms`, fire (cloud, object, arg).  `name` is static and names the
 * change for fault rules and state. */
void fake_after (struct fake_cloud *cloud, struct fake_object *object,
                 int64_t after_ms, const char *name,
                 void (*fire) (struct fake_cloud *, struct fake_object *,
                               json_t *),
                 json_t *arg_taken);
/* The same for a change that a call began: a fault rule may make it slow,
 * endless, or end badly (then arg has "failed": true). */
void fake_call_after (struct fake_call *call, struct fake_object *object,
                      int64_t after_ms, const char *name,
                      void (*fire) (struct fake_cloud *, struct fake_object *,
                                    json_t *),
                      json_t *arg_taken);
/* Forgets the changes of that name (NULL: all) of an object. */
void fake_timers_cancel (struct fake_cloud *cloud,
                         const struct fake_object *object, const char *name);
void fake_timers_free (struct fake_cloud *cloud);

/* ---- faults (faults.c) ---- */
int fake_rule_check (const json_t *rule, struct err **err) ATTR_USE;
/* Sets call->fault. */
void fake_fault_pick (struct fake_call *call);
/* True: the reply is made, nothing else happens. */
bool fake_fault_before (struct fake_call *call);
void fake_fault_after (struct fake_call *call);

/* ---- throttle (throttle.c) ---- */
/* Takes tokens from a bucket that holds `size` and gets `per_second`; false:
 * too few, none taken.  `remaining` may be NULL. */
bool fake_throttle_take (struct fake_cloud *cloud, const char *key, double size,
                         double per_second, double amount, double *remaining);
/* The same for a quota of so many in each window of time (a minute), which is
 * full again when the next one begins. */
bool fake_throttle_window (struct fake_cloud *cloud, const char *key,
                           double size, int64_t window_ms, double amount,
                           double *remaining);
void fake_throttle_free (struct fake_cloud *cloud);

/* ---- disks (disks.c) ---- */
/* Is this body's "_image" (or else its "_boots") good to boot from?  *console
 * gets what it printed. */
bool fake_disk_boots (struct fake_cloud *cloud, const json_t *disk,
                      char **console);
/* A new image file with the content of another's, sparse, reflinked where the
 * file system can; NULL if the source has no image. */
char *fake_disk_copy (struct fake_cloud *cloud, const char *image,
                      const char *new_id);
void fake_disk_delete (const char *image);
/* Shows image under DEVICES/HOST/NAME, or takes it away (image NULL). */
void fake_disk_link (struct fake_cloud *cloud, const char *host,
                     const char *name, const char *image);

/* ---- wire (xml.c, form.c, picture.c) ---- */
/* Writes the members of a JSON object as XML elements; an array becomes
 * <name><ITEM>..</ITEM></name>. */
void fake_xml_members (struct strbuf *sb, const json_t *object,
                       const char *item);
void fake_xml_text (struct strbuf *sb, const char *text);
/* "a=b&c=d" into an object of strings; -1 if it is malformed or has a name
 * twice. */
int fake_form_parse (const char *text, size_t len, json_t *into);
char *fake_base64 (const void *data, size_t len);
/* A small grey JPEG of one brightness (0 to 255), in base64. */
char *fake_picture (unsigned brightness);

#endif
