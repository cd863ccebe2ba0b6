#include "drive.h"

#include <stdio.h>

#include <CUnit/CUnit.h>
#include <fake-cloud/cloud.h>

#include "quoted.h"

struct fake_cloud *
drive_cloud (const char *fleet, const char *patch, struct fake_clock *clock,
             int64_t start_ms)
{
  CLEANUP_JSON json_t *config = quoted_json (fleet);
  CLEANUP_JSON json_t *changes = quoted_json (patch ? patch : "{}");
  CLEANUP_ERR struct err *err = NULL;
  struct fake_cloud *cloud;

  fake_clock_init (clock, start_ms);
  fake_merge (config, changes);
  cloud = fake_cloud_new (config, &clock->clock, &err);
  if (cloud == NULL)
    fprintf (stderr, "fake_cloud_new: %s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL_FATAL (cloud);
  return cloud;
}

const char *
drive_state (struct fake_cloud *cloud, const char *id, const char *path)
{
  static char *text;
  CLEANUP_JSON json_t *object = NULL;
  const json_t *value;

  free (text);
  text = NULL;
  if (cloud == NULL)
    return NULL;
  object = fake_cloud_object (cloud, id);
  value = json_at (object, path);
  if (value)
    text = json_is_string (value) ? xstrdup (json_string_value (value))
                                  : json_text (value);
  return text ? text : "";
}

void
drive_control (struct fake_cloud *cloud, const char *op)
{
  CLEANUP_JSON json_t *json = quoted_json (op);
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = fake_cloud_control (cloud, json, &err);

  if (out == NULL)
    fprintf (stderr, "control: %s\n", err->msg);
  CU_ASSERT_PTR_NOT_NULL (out);
}
