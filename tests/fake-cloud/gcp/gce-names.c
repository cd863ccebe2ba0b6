/* Names, links, numbers and times in Compute's spelling. */

#include "gce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *
gce_id_of_link (const char *link)
{
  const char *at = link ? strstr (link, "projects/") : NULL;

  return at && (at == link || at[-1] == '/') ? at : NULL;
}

const char *
gce_last (const char *link)
{
  const char *slash = strrchr (link, '/');

  return slash ? slash + 1 : link;
}

char *
gce_link (const char *id)
{
  return xasprintf (GCE_LINK "%s", id);
}

void
gce_put_link (json_t *body, const char *key, const char *id)
{
  CLEANUP_FREE char *link = gce_link (id);

  json_put_str (body, key, link);
}

bool
gce_is_name (const char *text)
{
  static const char lower[] = "abcdefghijklmnopqrstuvwxyz";
  size_t len = strlen (text);

  return len > 0 && len <= 63 && strchr (lower, *text) &&
         strspn (text, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
         text[len - 1] != '-';
}

/* [Compute, "Requirements for labels"]: 64 of them; keys begin with a letter;
 * 63 characters of small letters, digits, _ and -. */
int
gce_check_labels (struct fake_call *call, const json_t *labels)
{
  static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  const char *key;
  json_t *value;

  if (labels && !json_is_object (labels))
    return gce_invalid (call, "labels", "", "It is no map.");
  if (json_object_size (labels) > 64)
    return gce_invalid (call, "labels", "", "More than 64 labels.");
  json_object_foreach ((json_t *)labels, key, value)
  {
    const char *text = json_string_value (value);

    if (*key < 'a' || *key > 'z' || strlen (key) > 63 ||
        key[strspn (key, good)])
      return gce_invalid (call, "labels", key,
                          "Label key violates format constraints. The key must "
                          "start with a lowercase letter and can only contain "
                          "lowercase letters, numeric characters, underscores "
                          "and dashes, at most 63 characters.");
    if (text == NULL || strlen (text) > 63 || text[strspn (text, good)])
      return gce_invalid (call, "labels", text ? text : "",
                          "Label value violates format constraints. The value "
                          "can only contain lowercase letters, numeric "
                          "characters, underscores and dashes, at most 63 "
                          "characters.");
  }
  return 0;
}

char *
gce_region_of (const char *zone)
{
  const char *dash = strrchr (zone, '-');

  return xstrndup (zone, dash ? (size_t)(dash - zone) : strlen (zone));
}

bool
gce_zone_exists (const struct fake_cloud *cloud, const char *zone)
{
  const json_t *zones = fake_config (cloud, "gcp.zones");

  for (size_t i = 0; i < json_array_size (zones); i++)
    if (strcmp (json_string_value (json_array_get (zones, i)), zone) == 0)
      return true;
  return false;
}

int64_t
gce_number (const json_t *value)
{
  const char *text = json_string_value (value);

  if (json_is_integer (value))
    return json_integer_value (value);
  if (text == NULL || *text == '\0' || strlen (text) > 18 ||
      text[strspn (text, "0123456789")])
    return -1;
  return strtoll (text, NULL, 10);
}

void
gce_put_number (json_t *body, const char *key, int64_t value)
{
  CLEANUP_FREE char *text = xasprintf ("%lld", (long long)value);

  json_put_str (body, key, text);
}

/* Pacific time as Google's replies have it; here always standard time. */
char *
gce_time_text (int64_t wall_ms)
{
  time_t seconds = (time_t)(wall_ms / 1000 - INT64_C (8) * 3600);
  struct tm tm;
  char text[32];

  gmtime_r (&seconds, &tm);
  strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
  return xasprintf ("%s.%03d-08:00", text, (int)(wall_ms % 1000));
}

void
gce_put_now (struct fake_cloud *cloud, json_t *body, const char *key)
{
  CLEANUP_FREE char *text = gce_time_text (fake_now_ms (cloud));

  json_put_str (body, key, text);
}

void
gce_put_new_number (struct fake_cloud *cloud, json_t *body)
{
  /* Nineteen digits, as they are there. */
  uint64_t number = UINT64_C (1000000000000000000) +
                    fake_random (cloud) % UINT64_C (8000000000000000000);
  CLEANUP_FREE char *text = xasprintf ("%llu", (unsigned long long)number);

  json_put_str (body, "id", text);
}

void
gce_put_fingerprint (struct fake_cloud *cloud, json_t *body, const char *key)
{
  uint64_t random = fake_random (cloud);
  CLEANUP_FREE char *text = fake_base64 (&random, sizeof random);

  json_put_str (body, key, text);
}

/* "projects/P/zones/Z/instances/N": zone is a link, too. */
static void
put_place (json_t *body, const char *id)
{
  static const struct {
    const char *mark, *key;
  } places[] = {{"/zones/", "zone"}, {"/regions/", "region"}};

  for (size_t i = 0; i < ARRAY_SIZE (places); i++) {
    const char *at = strstr (id, places[i].mark);
    const char *name = at ? at + strlen (places[i].mark) : NULL;

    if (name) {
      CLEANUP_FREE char *place =
          xstrndup (id, (size_t)(name - id) + strcspn (name, "/"));

      gce_put_link (body, places[i].key, place);
    }
  }
}

void
gce_put_identity (struct fake_cloud *cloud, json_t *body, const char *kind,
                  const char *id)
{
  CLEANUP_FREE char *full = xasprintf ("compute#%s", kind);

  json_put_str (body, "kind", full);
  gce_put_new_number (cloud, body);
  json_put_str (body, "name", gce_last (id));
  gce_put_link (body, "selfLink", id);
  put_place (body, id);
}
