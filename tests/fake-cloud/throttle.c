/* Token buckets on the cloud's own time.
 *
 * "throttle": {"enabled": true, "scale": 1.0} in the configuration; a scale of
 * 0.1 makes every bucket and every refill a tenth. */

#include "cloud.h"

#include <string.h>

static struct fake_bucket *
find_bucket (struct fake_cloud *cloud, const char *key, double size)
{
  struct fake_bucket bucket = {NULL, size, cloud->now_ms};

  for (size_t i = 0; i < cloud->buckets.len; i++)
    if (strcmp (cloud->buckets.ptr[i].key, key) == 0)
      return &cloud->buckets.ptr[i];
  bucket.key = xstrdup (key);
  fake_buckets_push (&cloud->buckets, bucket);
  return &cloud->buckets.ptr[cloud->buckets.len - 1];
}

bool
fake_throttle_take (struct fake_cloud *cloud, const char *key, double size,
                    double per_second, double amount, double *remaining)
{
  const json_t *scale_json = fake_config (cloud, "throttle.scale");
  double scale = scale_json ? json_number_value (scale_json) : 1.0;
  struct fake_bucket *bucket;
  bool taken;

  if (!json_is_true (fake_config (cloud, "throttle.enabled")))
    return true;
  size = size * scale < 1 ? 1 : size * scale;
  bucket = find_bucket (cloud, key, size);
  bucket->tokens +=
      (double)(cloud->now_ms - bucket->at_ms) / 1000.0 * per_second * scale;
  bucket->at_ms = cloud->now_ms;
  if (bucket->tokens > size)
    bucket->tokens = size;
  taken = bucket->tokens >= amount;
  if (taken)
    bucket->tokens -= amount;
  if (remaining)
    *remaining = bucket->tokens;
  return taken;
}

bool
fake_throttle_window (struct fake_cloud *cloud, const char *key, double size,
                      int64_t window_ms, double amount, double *remaining)
{
  const json_t *scale_json = fake_config (cloud, "throttle.scale");
  double scale = scale_json ? json_number_value (scale_json) : 1.0;
  int64_t now = fake_now_ms (cloud);
  struct fake_bucket *bucket;
  bool taken;

  if (!json_is_true (fake_config (cloud, "throttle.enabled")))
    return true;
  size = size * scale < 1 ? 1 : size * scale;
  bucket = find_bucket (cloud, key, size);
  if (bucket->at_ms / window_ms != now / window_ms)
    bucket->tokens = size;
  bucket->at_ms = now;
  taken = bucket->tokens >= amount;
  if (taken)
    bucket->tokens -= amount;
  if (remaining)
    *remaining = bucket->tokens;
  return taken;
}

void
fake_throttle_free (struct fake_cloud *cloud)
{
  for (size_t i = 0; i < cloud->buckets.len; i++)
    free (cloud->buckets.ptr[i].key);
  fake_buckets_release (&cloud->buckets);
}
