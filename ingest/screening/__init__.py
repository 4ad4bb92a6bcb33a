"""Looks through a recording for what tells who the patient is: in its pictures, its header, its names, its sound."""
