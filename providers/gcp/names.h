/* Names of Google Cloud's resources.
 *
 * A resource's id is here what its link has behind the project:
 * "zones/europe-west1-b/instances/web-1", "global/snapshots/s".  Links come
 * with several hosts and versions in front; only this part is compared. */

#ifndef BOOTMEND_GCP_NAMES_H
#define BOOTMEND_GCP_NAMES_H

#include <stdbool.h>

#include <base/json.h>

/* The id in a link or id; "" if there is none.  Points into the text. */
const char *gcp_id_of (const char *link);
/* The project in a link; NULL: it names none. */
char *gcp_project_of (const char *link);
/* "web-1": what comes behind the last slash. */
const char *gcp_last (const char *link);
/* "europe-west1-b" of zones/europe-west1-b/...; "" for what is in no zone. */
char *gcp_zone_of (const char *id);
/* "zones/Z" or "regions/R" or "global". */
char *gcp_scope_of (const char *id);
/* The kind of an id: "instances", "disks", "snapshots". */
bool gcp_is_a (const char *id, const char *kind);

/* [a-z]([-a-z0-9]{0,61}[a-z0-9])? [Compute API, resource names] */
bool gcp_is_name (const char *text);
bool gcp_is_zone (const char *text);   /* europe-west1-b */
bool gcp_is_region (const char *text); /* europe-west1 */
bool gcp_is_project (const char *text);

/* A name made of any text, always the same: what is no letter or digit becomes
 * "-", and what is too long ends in a number of its own. */
char *gcp_name_of (const char *text);
/* The same for the value of a label: [a-z0-9_-]{0,63}. */
char *gcp_label_of (const char *text);
/* That number: for texts that have to stay different when they are cut. */
unsigned gcp_hash (const char *text);

#endif
