/* setLabels of instances, disks and snapshots, and setMetadata: the whole map
 * is replaced, and only by who knows what was there (fingerprints).
 *
 * The new map is there at once, so that of two writers with one fingerprint the
 * second is refused; the operation ends a moment later. (choice) */

#include "gce.h"

#include <string.h>

static int
set_labels (struct fake_call *call)
{
  struct fake_object *object = gce_target (call);
  const json_t *labels = json_object_get (gce_body (call), "labels");
  const char *print = json_str (gce_body (call), "labelFingerprint", "");

  if (object == NULL || gce_check_labels (call, labels) < 0)
    return -1;
  if (strcmp (print, json_str (object->body, "labelFingerprint", "")) != 0)
    return gce_fail (call, 412, "conditionNotMet",
                     "Labels fingerprint either invalid or resource labels "
                     "have changed");
  if (json_object_size (labels))
    json_put (object->body, "labels", json_deep_copy (labels));
  else
    json_put (object->body, "labels", NULL);
  gce_put_fingerprint (call->cloud, object->body, "labelFingerprint");
  fake_object_changed (call->cloud, object);
  return gce_begin (call, object, "setLabels", -1, NULL);
}

static int
set_metadata (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  const char *print = json_str (gce_body (call), "fingerprint", "");
  const json_t *items = json_object_get (gce_body (call), "items");
  json_t *made;

  if (instance == NULL)
    return -1;
  if (strcmp (print, json_str (instance->body, "metadata.fingerprint", "")) !=
      0)
    return gce_fail (call, 412, "conditionNotMet",
                     "Supplied fingerprint does not match current metadata "
                     "fingerprint.");
  made = json_make ("{s:s}", "kind", "compute#metadata");
  if (json_array_size (items))
    json_put (made, "items", json_deep_copy (items));
  gce_put_fingerprint (call->cloud, made, "fingerprint");
  json_put (instance->body, "metadata", made);
  fake_object_changed (call->cloud, instance);
  return gce_begin (call, instance, "setMetadata", -1, NULL);
}

const struct gce_change gce_label_changes[] = {
    {"setLabels", "set", NULL, NULL},
    {"setMetadata", "set", NULL, NULL},
    {NULL},
};

#define LABELS "labels labelFingerprint"

const struct gce_method gce_label_methods[] = {
    {"instances.setLabels", "POST",
     "/projects/{project}/zones/{zone}/instances/{instance}/setLabels",
     "change", "compute.instances.setLabels", "requestId", LABELS, set_labels},
    {"instances.setMetadata", "POST",
     "/projects/{project}/zones/{zone}/instances/{instance}/setMetadata",
     "change", "compute.instances.setMetadata", "requestId",
     "items fingerprint kind", set_metadata},
    {"disks.setLabels", "POST",
     "/projects/{project}/zones/{zone}/disks/{resource}/setLabels", "change",
     "compute.disks.setLabels", "requestId", LABELS, set_labels},
    {"regionDisks.setLabels", "POST",
     "/projects/{project}/regions/{region}/disks/{resource}/setLabels",
     "change", "compute.disks.setLabels", "requestId", LABELS, set_labels},
    /* The one change without a requestId. [discovery] */
    {"snapshots.setLabels", "POST",
     "/projects/{project}/global/snapshots/{resource}/setLabels", "change",
     "compute.snapshots.setLabels", "", LABELS, set_labels},
    {NULL},
};
