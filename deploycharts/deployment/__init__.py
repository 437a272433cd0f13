"""Targets, plan, roll-out, tracking, evidence, rollback, journal."""
