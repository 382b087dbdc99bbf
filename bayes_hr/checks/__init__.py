"""Checks: may the numbers be believed?"""
