"""Collects what learning platforms hand over: archives in, folders of submitted/ out."""
