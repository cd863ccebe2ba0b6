/* Clouds in memory: request in, reply out.
 *
 * A test against an easy fake proves nothing, so this one behaves as the real
 * services do where a tool can go wrong: changes take time, reads may be stale,
 * calls are throttled, replies get lost after their effect, batches fail as a
 * whole.  README.md lists the behaviours and which of them are choices.
 *
 *   struct fake_cloud *cloud = fake_cloud_new (config, &clock.clock, &err);
 *   fake_cloud_handle (cloud, &request, &reply);
 *   state = fake_cloud_state (cloud);
 *
 * Everything is determined by the configuration (with its seed), the clock and
 * the order of calls.  One thread at a time. */

#ifndef BOOTMEND_FAKE_CLOUD_H
#define BOOTMEND_FAKE_CLOUD_H

#include <base/clock.h>
#include <base/json.h>
#include <net/http.h>

struct fake_cloud;

/* Reply statuses that are none: what the caller's transport should see. */
enum fake_status {
  FAKE_RESET = 0,      /* the connection breaks without an answer */
  FAKE_NO_ANSWER = -1, /* nothing comes until the caller's deadline */
  FAKE_TRUNCATED = -2, /* status 200, then the connection breaks inside body */
  /* Not answered yet: wait for the latency, then ask again with FAKE_HELD added
   * to the headers.  Only calls that hold their request do that. */
  FAKE_HOLD = -3
};
#define FAKE_HELD "X-Fake-Held"

/* The configuration is described in README.md; an unknown key is an error.  The
 * clock must outlive the cloud.  NULL and ERR_INPUT for a bad configuration. */
struct fake_cloud *fake_cloud_new (const json_t *config,
                                   const struct clock *clock,
                                   struct err **err) ATTR_USE;
void fake_cloud_free (struct fake_cloud *cloud);

/* Answers one request.  Returns how long the reply takes on its way, in ms of
 * the cloud's time (0 unless configured or a fault rule says so); its effect is
 * there at once.  reply->status may be one of enum fake_status. */
int64_t fake_cloud_handle (struct fake_cloud *cloud,
                           const struct http_request *request,
                           struct http_reply *reply);

/* Lets time pass in the cloud beyond what its clock says. */
void fake_cloud_advance (struct fake_cloud *cloud, int64_t by_ms);
/* The cloud's time, ms since 1970. */
int64_t fake_cloud_time_ms (struct fake_cloud *cloud);
/* When the next change comes by itself, in ms from now; -1 if none will: what a
 * simulation may jump over. */
int64_t fake_cloud_next_change_ms (struct fake_cloud *cloud);

/* Everything there is: {"time": text, "objects": {KIND: {ID: {...}}}}; members
 * that begin with "_" are not visible to clients.  A new reference. */
json_t *fake_cloud_state (struct fake_cloud *cloud);
/* One object (a deep copy), NULL if there is none of that id. */
json_t *fake_cloud_object (struct fake_cloud *cloud, const char *id);
/* The log of calls since number `first`: [{n, time, service, region, caller,
 * action, ids, result, status, effect, fault}].  A new reference. */
json_t *fake_cloud_calls (struct fake_cloud *cloud, size_t first);

/* What a test does to the cloud besides calling it, see README.md "Control":
 * {"op": "advance" | "fault" | "clear-faults" | "set" | "call" | "switch"}. */
json_t *fake_cloud_control (struct fake_cloud *cloud, const json_t *op,
                            struct err **err) ATTR_USE;

/* The calls that are known, a line each: SERVICE ACTION PARAMETERS, as the
 * tables of the clouds have them.  To be freed. */
char *fake_cloud_actions (void);

#endif
