#include "vec.h"

void
str_vec_free_all (struct str_vec *v)
{
  for (size_t i = 0; i < v->len; i++)
    free (v->ptr[i]);
  str_vec_release (v);
}

char **
str_vec_take (struct str_vec *v)
{
  char **strv;

  str_vec_push (v, NULL);
  strv = v->ptr;
  v->ptr = NULL;
  v->len = v->cap = 0;
  return strv;
}
