"""Who is attacked: test digits, a drawing, a picture file."""
